package io.kmodfleet.agent.supply;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.PackageManager;
import io.kmodfleet.agent.supply.SupplyPlan.Step;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.SymbolMap;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SupplyPlanTest {

    @Test
    void on_debian_and_ubuntu_the_lists_are_read_first_and_headers_are_those_of_the_next_kernel() {
        HostReport report = report(
                "ubuntu",
                List.of(Piece.DKMS, Piece.MAKE),
                kernel("6.8.0-62-generic", Optional.of(false)),
                kernel("6.8.0-63-generic", Optional.of(true)));

        SupplyPlan plan = SupplyPlan.of(report, PackageManager.APT, false);

        assertThat(plan.steps())
                .extracting(Step::toString)
                .containsExactly(
                        "apt-get update",
                        "apt-get install --yes --no-install-recommends dkms make",
                        "apt-get install --yes --no-install-recommends linux-headers-6.8.0-63-generic");
        assertThat(plan.supplied()).containsExactly("dkms", "make", "linux-headers-6.8.0-63-generic");
    }

    @Test
    void the_sources_of_dkms_come_and_go_again_whatever_happens_between() {
        HostReport report = report("centos", List.of(Piece.DKMS), kernel("5.14.0-427.el9.x86_64", Optional.empty()));

        assertThat(SupplyPlan.of(report, PackageManager.DNF, false).steps())
                .containsExactly(
                        new Step(List.of("dnf", "install", "-y", "epel-release"), false),
                        new Step(List.of("dnf", "install", "-y", "dkms"), false),
                        new Step(List.of("dnf", "install", "-y", "kernel-devel-5.14.0-427.el9.x86_64"), false),
                        new Step(List.of("dnf", "remove", "-y", "epel-release"), true));
        assertThat(SupplyPlan.of(report, PackageManager.DNF, true).steps())
                .extracting(Step::toString)
                .noneMatch(line -> line.contains("epel-release"));
    }

    @Test
    void where_nothing_is_missing_nothing_is_run() {
        assertThat(SupplyPlan.of(report("debian", List.of()), PackageManager.APT, false)
                        .isEmpty())
                .isTrue();
    }

    private static HostReport report(String id, List<Piece> missing, KernelState... kernels) {
        return new HostReport(
                "host",
                new OperatingSystem(id, "9", id),
                "x86_64",
                false,
                Stream.of(Piece.ROOT, Piece.DKMS, Piece.COMPILER, Piece.MAKE, Piece.CONSENT)
                        .map(piece -> new Check(piece, !missing.contains(piece), "", ""))
                        .toList(),
                List.of(kernels),
                new TreeMap<>(),
                Optional.empty(),
                Optional.empty());
    }

    private static KernelState kernel(String release, Optional<Boolean> next) {
        return new KernelState(
                new KernelIdentity(
                        "x86_64",
                        release,
                        Optional.empty(),
                        Optional.of(Digest.of(new byte[0])),
                        Optional.empty(),
                        Optional.empty()),
                false,
                SymbolMap.USABLE,
                true,
                Optional.empty(),
                Optional.empty(),
                List.of(new Check(Piece.HEADERS, false, "", "")),
                List.of(),
                next,
                Optional.empty());
    }
}
