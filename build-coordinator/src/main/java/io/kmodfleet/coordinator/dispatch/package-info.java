/**
 * Sends out what is committed: commands to hosts, acknowledgements, dead letters. At least once; it decides nothing, and it
 * never sends what the ledger does not hold.
 */
package io.kmodfleet.coordinator.dispatch;
