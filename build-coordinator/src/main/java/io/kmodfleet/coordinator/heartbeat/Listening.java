package io.kmodfleet.coordinator.heartbeat;

import java.time.Duration;
import java.time.Instant;
import java.util.BitSet;
import java.util.Optional;

/**
 * Since when it would have been noticed that a host spoke. Whoever has not listened knows nothing of silence: not after a start, not
 * after the broker was away, not after this machine slept. One thread at a time.
 */
final class Listening {

    /** The time before the start, in so many parts: where something was said in each, the topic was open all the time. */
    private static final int PARTS = 5;

    private final Duration silentAfter;
    private final Duration longestGap;
    private final Instant begin;
    private final BitSet heard = new BitSet(PARTS);
    private boolean isCaughtUp;
    private Optional<Instant> since = Optional.empty();
    private Instant answeredAt;

    /** @param longestGap between two answers of the broker */
    Listening(Duration silentAfter, Duration longestGap, Instant begin) {
        this.silentAfter = silentAfter;
        this.longestGap = longestGap;
        this.begin = begin;
        this.answeredAt = begin;
    }

    /** Somebody was heard then, as it was read back from the topic. */
    void heard(Instant at) {
        long millis = Duration.between(begin.minus(silentAfter), at).toMillis();
        if (!isCaughtUp && millis >= 0 && millis < silentAfter.toMillis()) {
            heard.set((int) (millis * PARTS / silentAfter.toMillis()));
        }
    }

    /** Everything that was on the topic at the start is read. */
    void caughtUp(Instant now) {
        isCaughtUp = true;
        answeredAt = now;
        since = Optional.of(heard.cardinality() == PARTS ? begin.minus(silentAfter) : begin);
    }

    boolean isCaughtUp() {
        return isCaughtUp;
    }

    /** The broker answers, and everything that it has is read. */
    void answered(Instant now) {
        boolean gap = Duration.between(answeredAt, now).compareTo(longestGap) > 0;
        if (isCaughtUp && (gap || since.isEmpty())) {
            since = Optional.of(now);
        }
        answeredAt = now;
    }

    /** The broker does not answer. */
    void lost() {
        since = Optional.empty();
    }

    /** Whether a host that was last heard of then, or before, is silent for so long that it counts. */
    boolean isLongEnough(Instant now) {
        return since.isPresent()
                && Duration.between(answeredAt, now).compareTo(longestGap) <= 0
                && !since.get().isAfter(now.minus(silentAfter));
    }
}
