package io.kmodfleet.contracts.wire;

/** A record that is not one of ours, and why. It belongs to the dead letters, never into silence. */
public final class UnreadableEvent extends Exception {

    /** What is wrong with it. Wire names. */
    public enum Problem {
        /** Larger than {@link CloudEvents#MAX_BYTES}. */
        TOO_LARGE,
        /** No CloudEvents 1.0 headers in binary mode. */
        NOT_A_CLOUD_EVENT,
        /** A {@code ce_type} that this release does not know. */
        UNKNOWN_TYPE,
        /** A known type in a version that this release does not know. */
        WRONG_VERSION,
        /** A body that is not JSON. */
        NOT_JSON,
        /** JSON, but not of this type. */
        DOES_NOT_FIT,
        /** The record's key, the source and the content do not name one and the same speaker. */
        WRONG_SPEAKER,
        /** Read, but deciding on it failed: a bug of ours. Its source waits for the release that mends it; nobody else does. */
        UNDECIDABLE
    }

    private final Problem problem;

    UnreadableEvent(Problem problem, String message) {
        super(message);
        this.problem = problem;
    }

    public Problem problem() {
        return problem;
    }
}
