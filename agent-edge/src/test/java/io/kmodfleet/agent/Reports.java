package io.kmodfleet.agent;

import static io.kmodfleet.agent.Kernels.HOST;
import static io.kmodfleet.agent.Kernels.digest;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.agent.host.DkmsEntry;
import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.SymbolMap;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reports, and what was answered to them, as values: for tests without a host. */
final class Reports {

    static final String KERNEL = "6.8.0-62-generic";
    static final String MODULE = "dattobd";
    static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    static final Instant TUESDAY = MONDAY.plus(Duration.ofDays(1));

    private Reports() {}

    /** A kernel with image, headers and initramfs, installed on Monday. */
    static KernelState kernel(String release, Optional<Boolean> next, InstalledModule... modules) {
        return new KernelState(
                new KernelIdentity(
                        "x86_64",
                        release,
                        Optional.empty(),
                        Optional.of(digest("image")),
                        Optional.empty(),
                        Optional.empty()),
                false,
                SymbolMap.USABLE,
                true,
                Optional.of(MONDAY),
                Optional.of(MONDAY),
                List.of(),
                List.of(modules),
                next,
                Optional.empty());
    }

    static KernelState with(KernelState kernel, boolean image, boolean initramfs, boolean running, Check... checks) {
        KernelIdentity same = kernel.identity();
        return new KernelState(
                new KernelIdentity(
                        same.arch(),
                        same.release(),
                        same.version(),
                        image ? same.image() : Optional.empty(),
                        same.config(),
                        same.buildId()),
                running,
                kernel.symbolMap(),
                initramfs,
                image ? kernel.imageInstalledAt() : Optional.empty(),
                kernel.headersInstalledAt(),
                List.of(checks),
                kernel.modules(),
                kernel.nextBoot(),
                kernel.compiler());
    }

    /** A module file of Tuesday. */
    static InstalledModule module(Optional<Digest> image, Optional<Boolean> inInitramfs, Optional<String> signer) {
        return module(image, inInitramfs, signer, TUESDAY);
    }

    static InstalledModule module(
            Optional<Digest> image, Optional<Boolean> inInitramfs, Optional<String> signer, Instant changedAt) {
        return new InstalledModule(
                MODULE,
                Optional.of("0.12.1"),
                "/lib/modules/" + KERNEL + "/updates/dkms/dattobd.ko.zst",
                digest("body"),
                Optional.of(KERNEL + " SMP "),
                Optional.empty(),
                Optional.of(changedAt),
                image,
                false,
                inInitramfs,
                signer);
    }

    static HostReport report(List<Check> checks, Optional<HostReport.SecureBoot> boot, KernelState... kernels) {
        return new HostReport(
                "backup-7",
                new OperatingSystem("ubuntu", "24.04", "Ubuntu 24.04.2 LTS"),
                "x86_64",
                false,
                checks,
                List.of(kernels),
                new TreeMap<>(),
                Optional.empty(),
                boot);
    }

    static HostReport report(KernelState... kernels) {
        return report(List.of(), Optional.empty(), kernels);
    }

    static Check missing(Piece piece) {
        return new Check(piece, false, piece + " is missing", "bring it");
    }

    static Standing keep(Reason reason, Fact... facts) {
        return new Standing(TUESDAY, new Decision.Keep(id(), subject(KERNEL), reason, List.of(facts)));
    }

    static Standing waits(Reason reason) {
        return new Standing(TUESDAY, new Decision.Wait(id(), subject(KERNEL), reason, List.of()));
    }

    static Standing rejects(Reason reason, Check... missing) {
        return new Standing(TUESDAY, new Decision.Reject(id(), subject(KERNEL), reason, List.of(missing), List.of()));
    }

    static Subject subject(String release) {
        return new Subject(HOST, release, MODULE);
    }

    static DecisionId id() {
        return new DecisionId(1, 0);
    }

    static HostDetail detail(List<HostDetail.Loaded> loaded, DkmsEntry... dkms) {
        return new HostDetail(Optional.empty(), loaded, List.of(dkms), Map.of(), Map.of(), List.of());
    }

    static StateCheck state(boolean agentRuns, Standing... standing) {
        return new StateCheck(
                Path.of("/var/lib/kmodfleet"),
                true,
                agentRuns,
                false,
                true,
                Optional.empty(),
                Optional.empty(),
                List.of(standing));
    }
}
