package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Envelope;
import java.time.Instant;
import java.util.List;

/** One turn of the coordinator: what was seen, what was decided, and the state that leaves. Live and audit both run it. */
public record Step(Envelope envelope, Instant takenAt, List<Decision> decisions, FleetState after) {

    /** Version of the rules that {@link #take} decides by; stands beside every decision in the ledger. */
    public static final int RULES = 3;

    /**
     * Decides. The envelope must be one that {@code before} neither {@linkplain FleetState#holds holds} nor misses one before.
     *
     * @param takenAt the coordinator's clock when it took the observation: the only time that the rules know
     */
    public static Step take(FleetState before, Envelope envelope, Instant takenAt) {
        return take(before, envelope, takenAt, RULES);
    }

    /**
     * Decides as that version of the rules does.
     *
     * @throws IllegalArgumentException for a version that is not known here
     */
    public static Step take(FleetState before, Envelope envelope, Instant takenAt, int rules) {
        return switch (rules) {
            case 1 -> Decider1.decide(before, envelope, takenAt);
            case 2 -> Decider2.decide(before, envelope, takenAt);
            case RULES -> Decider.decide(before, envelope, takenAt);
            default ->
                throw new IllegalArgumentException(
                        "Expected rules of a version from 1 to " + RULES + ", but got " + rules);
        };
    }

    /** The state after an entry whose decisions were taken before, by that version of the rules: recovery. */
    public static FleetState settle(
            FleetState before, Envelope envelope, Instant takenAt, List<Decision> decisions, int rules) {
        FleetState state = Evolving.by(before, envelope, takenAt, rules);
        for (Decision decision : decisions) {
            state = Evolving.by(state, decision);
        }
        return state;
    }
}
