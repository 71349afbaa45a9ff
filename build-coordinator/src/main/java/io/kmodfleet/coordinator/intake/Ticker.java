package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.coordinator.decision.Deadline;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Says when a deadline has passed. How long is left is taken from the wall clock once, when a deadline is first seen, and never
 * as more than what it was set to; from there on the monotonic clock counts. So a wall clock that jumps by a day makes nothing
 * wait for a day, and strikes nothing that is being waited for.
 */
final class Ticker {

    /** After this, an observation that is not in the ledger yet is published once more; a repeat decides nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final Duration LOOK_EVERY = Duration.ofMillis(250);

    private Map<Deadline, Long> strikes = Map.of();
    private long lookAt;
    private boolean looked;
    private long epoch;
    private long sequence;

    /**
     * @param nanos of the monotonic clock
     * @return what is to be published now
     */
    List<Envelope> tick(FleetState state, Instant now, long nanos) {
        if (looked && nanos - lookAt < 0) {
            return List.of();
        }
        looked = true;
        lookAt = nanos + LOOK_EVERY.toNanos();
        Map<Deadline, Long> next = new HashMap<>();
        List<Envelope> struck = new ArrayList<>();
        for (Deadline deadline : state.deadlines()) {
            Long known = strikes.get(deadline);
            long strike =
                    known != null ? known : nanos + remaining(deadline, now).toNanos();
            boolean over = nanos - strike >= 0;
            next.put(deadline, over ? nanos + PATIENCE.toNanos() : strike);
            if (over) {
                struck.add(numbered(state, deadline, now));
            }
        }
        strikes = next;
        return struck;
    }

    private static Duration remaining(Deadline deadline, Instant now) {
        Duration left = Duration.between(now, deadline.at());
        if (left.isNegative()) {
            return Duration.ZERO;
        }
        return left.compareTo(deadline.after()) > 0 ? deadline.after() : left;
    }

    /** Counts on from the ledger, so that a restart never reuses a number. */
    private Envelope numbered(FleetState state, Deadline deadline, Instant now) {
        long last = state.lastOf(Envelope.TICKER).map(Taken::epoch).orElse(0L);
        if (epoch == 0 || last > epoch) {
            epoch = Math.max(Math.max(now.toEpochMilli(), last + 1), 1);
            sequence = 0;
        }
        sequence++;
        return new Envelope(Envelope.TICKER, epoch, sequence, now, deadline.observation());
    }
}
