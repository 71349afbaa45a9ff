/**
 * The ledger in PostgreSQL: every observation with the decisions it led to, in one order, for ever; and the projections that
 * are written with it. Knows how to store and read entries, nothing of how they are decided.
 */
package io.kmodfleet.coordinator.ledger;
