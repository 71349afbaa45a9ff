/**
 * Spans for a collector, where one is configured: what was reported, decided, built and installed, and how long it took. It is told
 * what was committed and sent; nothing in here is asked before.
 */
package io.kmodfleet.coordinator.trace;
