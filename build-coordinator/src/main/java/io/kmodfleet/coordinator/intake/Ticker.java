package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.coordinator.decision.Deadline;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Says when a deadline has passed. How long is left is taken from the wall clock once, when a deadline is first seen, and never
 * as more than what it was set to; from there on the monotonic clock counts. So a wall clock that jumps by a day makes nothing
 * wait for a day, and strikes nothing that is being waited for.
 */
final class Ticker {

    /** After this, an observation that is not in the ledger yet is published once more; a repeat decides nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int REMEMBERED = 10_000;

    private final Map<Deadline, Long> strikes = new LinkedHashMap<>();
    private long epoch;
    private long sequence;

    /**
     * @param nanos of the monotonic clock
     * @return what is to be published now
     */
    Optional<Envelope> tick(FleetState state, Instant now, long nanos) {
        Optional<Deadline> next = state.nextDeadline();
        if (next.isEmpty()) {
            strikes.clear();
            return Optional.empty();
        }
        Deadline deadline = next.get();
        long strike = strikes.computeIfAbsent(
                deadline, seen -> nanos + remaining(seen, now).toNanos());
        if (nanos - strike < 0) {
            forgetTheOldest();
            return Optional.empty();
        }
        strikes.put(deadline, nanos + PATIENCE.toNanos());
        return Optional.of(numbered(state, deadline, now));
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

    private void forgetTheOldest() {
        if (strikes.size() > REMEMBERED) {
            strikes.remove(strikes.keySet().iterator().next());
        }
    }
}
