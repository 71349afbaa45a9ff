/** Serves files by their digest, and lists of them. */
package io.kmodfleet.store.serve;
