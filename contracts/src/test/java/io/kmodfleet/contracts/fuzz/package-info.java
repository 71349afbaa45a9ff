/**
 * Every parser of bytes that others send, run by a fuzzer that follows what it covers (Jazzer). Each parser is described once, as a
 * {@link io.kmodfleet.contracts.fuzz.HostileInput}; knows nothing of how long it runs.
 */
package io.kmodfleet.contracts.fuzz;
