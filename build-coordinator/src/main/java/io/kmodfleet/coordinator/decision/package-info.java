/**
 * The coordinator's mind: what is decided, from what is known. A pure function, taken one observation at a time, and the same
 * code live, in recovery and in an audit.
 *
 * <p>It must not know: time, chance, configuration, files, the network, or who calls it. It looks at {@code java.*}, at the
 * contracts and at nothing else; a test enforces it.
 */
package io.kmodfleet.coordinator.decision;
