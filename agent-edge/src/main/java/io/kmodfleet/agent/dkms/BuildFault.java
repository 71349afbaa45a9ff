package io.kmodfleet.agent.dkms;

import io.kmodfleet.contracts.Observation.FailureClass;
import java.io.IOException;
import java.util.Optional;

/** A build that ended without a package: whose fault it is, and a sentence. */
public final class BuildFault extends IOException {

    private final FailureClass failure;
    private final transient Optional<Integer> exitCode;

    BuildFault(FailureClass failure, Optional<Integer> exitCode, String sentence) {
        super(sentence);
        this.failure = failure;
        this.exitCode = exitCode;
    }

    /** The source is not the reason. */
    static BuildFault ofHost(String sentence) {
        return new BuildFault(FailureClass.INFRASTRUCTURE, Optional.empty(), sentence);
    }

    static BuildFault ofBuild(String sentence) {
        return new BuildFault(FailureClass.BUILD, Optional.empty(), sentence);
    }

    public FailureClass failure() {
        return failure;
    }

    /** Of dkms, where it came that far. */
    public Optional<Integer> exitCode() {
        return exitCode;
    }
}
