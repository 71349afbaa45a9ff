/** What modules for a kernel are built and checked with, kept from the first host that had it. */
package io.kmodfleet.store.vault;
