package io.kmodfleet.agent.dkms;

import io.kmodfleet.contracts.Observation.FailureClass;

/** What dkms's exit codes mean (read from its source, 2.2 to 3.4; a module's own PRE_BUILD may return any of them). */
enum DkmsExit {
    DONE,
    ALREADY,
    NOT_APPLICABLE,
    BUILD_FAILED,
    HOST_FAILED;

    static DkmsExit of(int code) {
        return switch (code) {
            case 0 -> DONE;
            // 3: already added or built; 5: already installed.
            case 3, 5 -> ALREADY;
            case 77 -> NOT_APPLICABLE;
            // 21: no headers; 1: not root; negative: ended by the agent; 137, 143: ended by somebody else.
            case 21, 1, -1, 137, 143 -> HOST_FAILED;
            default -> BUILD_FAILED;
        };
    }

    FailureClass failureClass() {
        return switch (this) {
            case NOT_APPLICABLE -> FailureClass.NOT_APPLICABLE;
            case HOST_FAILED -> FailureClass.INFRASTRUCTURE;
            default -> FailureClass.BUILD;
        };
    }
}
