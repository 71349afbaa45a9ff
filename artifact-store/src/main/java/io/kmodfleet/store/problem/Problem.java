package io.kmodfleet.store.problem;

import java.time.Duration;
import java.util.Optional;

/** An answer that is an error: what was expected, what came, what to do (RFC 9457). */
public final class Problem extends RuntimeException {

    private final int status;
    private final String title;
    private final Optional<String> rule;
    private final Optional<Duration> retryAfter;

    /** RFC 9457, section 3.1; {@code rule} is our extension. */
    public record Body(String type, String title, int status, String detail, Optional<String> rule) {}

    public Problem(int status, String title, String detail) {
        this(status, title, Optional.empty(), Optional.empty(), detail);
    }

    public Problem(int status, String title, Optional<String> rule, String detail) {
        this(status, title, rule, Optional.empty(), detail);
    }

    private Problem(int status, String title, Optional<String> rule, Optional<Duration> retryAfter, String detail) {
        super(detail);
        this.status = status;
        this.title = title;
        this.rule = rule;
        this.retryAfter = retryAfter;
    }

    /** One that passes: the same may go well after a while. */
    public static Problem passing(int status, String title, Duration retryAfter, String detail) {
        return new Problem(status, title, Optional.empty(), Optional.of(retryAfter), detail);
    }

    public int status() {
        return status;
    }

    /** Whole seconds, at least one. */
    public Optional<Long> retryAfterSeconds() {
        return retryAfter.map(pause -> Math.max(1, pause.plusMillis(999).toSeconds()));
    }

    public Body body() {
        return new Body("about:blank", title, status, getMessage(), rule);
    }
}
