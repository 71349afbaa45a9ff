/**
 * The shared language on the wire: JSON with stable names, CloudEvents headers, topics. Reads strictly: what is not understood
 * completely is refused with a named problem, so that it can be kept as a dead letter.
 */
package io.kmodfleet.contracts.wire;
