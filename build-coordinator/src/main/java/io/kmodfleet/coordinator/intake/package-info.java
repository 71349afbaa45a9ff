/**
 * The one writer: takes observations off Kafka, has them decided, commits, sends. Holds the state; nobody else changes it.
 */
package io.kmodfleet.coordinator.intake;
