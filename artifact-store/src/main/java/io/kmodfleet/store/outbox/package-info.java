/** Sends what the catalogue observed, in order, until the broker has it. */
package io.kmodfleet.store.outbox;
