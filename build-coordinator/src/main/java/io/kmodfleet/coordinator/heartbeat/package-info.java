/**
 * Which hosts are silent. Every coordinator reads all heartbeats for itself, keeps in memory when each host was last heard of, and the
 * active one writes that down now and then. Nothing here decides anything: the ledger does not know that heartbeats exist.
 */
package io.kmodfleet.coordinator.heartbeat;
