package io.kmodfleet.coordinator.ledger;

import io.kmodfleet.contracts.wire.UnreadableEvent.Problem;
import java.time.Instant;

/**
 * A Kafka record that is no observation.
 *
 * @param detail what was expected and what came
 * @param excerpt the beginning of its value, with control characters made visible
 */
public record DeadLetter(
        String topic, int partition, long offset, Problem problem, String detail, String excerpt, Instant at) {}
