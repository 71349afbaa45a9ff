package io.kmodfleet.store.problem;

import java.util.Optional;

/** An answer that is an error: what was expected, what came, what to do (RFC 9457). */
public final class Problem extends RuntimeException {

    private final int status;
    private final String title;
    private final Optional<String> rule;

    public Problem(int status, String title, String detail) {
        this(status, title, Optional.empty(), detail);
    }

    public Problem(int status, String title, Optional<String> rule, String detail) {
        super(detail);
        this.status = status;
        this.title = title;
        this.rule = rule;
    }

    int status() {
        return status;
    }

    String title() {
        return title;
    }

    Optional<String> rule() {
        return rule;
    }
}
