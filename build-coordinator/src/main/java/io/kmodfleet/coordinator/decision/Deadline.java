package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.BuildOverdue;
import io.kmodfleet.contracts.Observation.DeadlinePassed;
import java.time.Duration;
import java.time.Instant;

/**
 * Something that is to be observed when a time has come. Nothing happens by the clock alone: whoever keeps time publishes the
 * observation, and a deadline that is no longer pending then decides nothing.
 *
 * @param at by the coordinator's clock
 * @param after how long that was after it was set: no clock that jumps makes it wait longer
 * @param observation what to publish
 */
public record Deadline(Instant at, Duration after, Observation observation) {

    /** Tells the deadlines of one target apart. */
    String kind() {
        return observation instanceof DeadlinePassed passed
                ? passed.waitedFor().name()
                : BuildOverdue.class.getSimpleName();
    }
}
