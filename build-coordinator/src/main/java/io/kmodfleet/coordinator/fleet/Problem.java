package io.kmodfleet.coordinator.fleet;

/** An answer that is an error: what was expected, what came, what to do (RFC 9457). */
public final class Problem extends RuntimeException {

    private final int status;
    private final String title;

    public Problem(int status, String title, String detail) {
        super(detail);
        this.status = status;
        this.title = title;
    }

    public int status() {
        return status;
    }

    public String title() {
        return title;
    }
}
