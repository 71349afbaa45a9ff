package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Compiler;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Subject;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One host as it last described itself, and what it was told.
 *
 * @param standing the decision in force for each kernel and module
 */
record HostState(HostReport report, PersistentMap<Subject, Standing> standing) {

    /** @param asksFor the target that the decision is about; none for a kernel without an image */
    record Standing(Decision decision, Optional<BuildTarget> asksFor) {}

    boolean canBuildFor(KernelState kernel) {
        return !report.observeOnly() && missingFor(kernel).findAny().isEmpty();
    }

    /** Every check of this host and of that kernel which failed. */
    Stream<Check> missingFor(KernelState kernel) {
        return Stream.concat(report.checks().stream(), kernel.checks().stream()).filter(check -> !check.passed());
    }

    /** Whether its compiler is of the kind that built the kernel, as far as both are known. */
    boolean hasCompilerOf(KernelState kernel) {
        return report.compiler().isEmpty()
                || kernel.compiler().isEmpty()
                || report.compiler()
                        .get()
                        .major()
                        .equals(kernel.compiler().get().major());
    }

    /** What a build depends on besides target and source; a host that does not tell its compiler stands for itself. */
    static String toolchainOf(HostId host, HostReport report) {
        return report.compiler().map(Compiler::text).orElseGet(() -> "that of " + host);
    }

    HostState with(HostReport next) {
        return new HostState(next, standing);
    }

    HostState with(PersistentMap<Subject, Standing> next) {
        return new HostState(report, next);
    }
}
