package io.kmodfleet.coordinator.fleet;

/** An answer that is an error: what was expected, what came, what to do (RFC 9457). */
final class Problem extends RuntimeException {

    private final int status;
    private final String title;

    Problem(int status, String title, String detail) {
        super(detail);
        this.status = status;
        this.title = title;
    }

    int status() {
        return status;
    }

    String title() {
        return title;
    }
}
