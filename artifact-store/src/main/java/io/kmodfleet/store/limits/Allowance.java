package io.kmodfleet.store.limits;

import java.time.Duration;
import java.util.Optional;

/** So much a second, and a few seconds' worth at once: a bucket that fills up steadily. */
final class Allowance {

    /** What a client that was quiet may ask for at once, in seconds' worth. */
    static final int BURST_SECONDS = 4;

    private final double perSecond;
    private double left;
    private long filledAt;

    Allowance(int perSecond, long now) {
        this.perSecond = perSecond;
        this.left = (double) perSecond * BURST_SECONDS;
        this.filledAt = now;
    }

    /**
     * Empty where one more is allowed; otherwise how long to wait for it.
     *
     * @param now in nanoseconds, of a clock that only goes forward
     */
    Optional<Duration> take(long now) {
        left = Math.min(perSecond * BURST_SECONDS, left + (now - filledAt) * perSecond / 1e9);
        filledAt = now;
        if (left >= 1) {
            left -= 1;
            return Optional.empty();
        }
        return Optional.of(Duration.ofNanos((long) ((1 - left) / perSecond * 1e9)));
    }
}
