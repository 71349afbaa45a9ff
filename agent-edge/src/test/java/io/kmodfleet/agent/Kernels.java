package io.kmodfleet.agent;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** One kernel, one host and what it observes, the same in every test. */
public final class Kernels {

    public static final HostId HOST = HostId.fromMachineId("0123456789abcdef0123456789abcdef");
    public static final String RELEASE = "6.1.0-50-amd64";
    public static final BuildTarget TARGET = new BuildTarget(digest("source"), "x86_64", RELEASE, digest("image"));

    private Kernels() {}

    public static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }

    public static Observation failure(int number) {
        return new Observation.BuildFailed(
                HOST,
                new DecisionId(number, 0),
                TARGET,
                Observation.FailureClass.BUILD,
                Optional.of(10),
                "observation " + number,
                Optional.empty());
    }

    /** No kernel of a host root runs on the machine of a test. */
    public static KernelState asIfRunning(KernelState kernel) {
        return changed(kernel, kernel.identity(), true);
    }

    public static KernelState changed(KernelState kernel, KernelIdentity identity, boolean running) {
        return new KernelState(
                identity,
                running,
                kernel.symbolMap(),
                kernel.initramfs(),
                kernel.imageInstalledAt(),
                kernel.headersInstalledAt(),
                kernel.checks(),
                kernel.modules(),
                kernel.nextBoot(),
                kernel.compiler());
    }
}
