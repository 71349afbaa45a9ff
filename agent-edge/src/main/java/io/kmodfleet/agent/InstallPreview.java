package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.supply.SupplyPlan;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;

/**
 * What an installation would do. What the coordinator would answer nobody knows before it is asked; what this host would do with
 * each answer is known.
 *
 * @param commands that would be run to supply what building lacks
 * @param enablesDkms whether building would be allowed from now on
 * @param report what would be reported
 * @param kernels what could be done for each
 * @param decisions the answers that stand, and that would be carried out where they are not yet
 */
record InstallPreview(
        List<String> commands,
        boolean enablesDkms,
        HostReport report,
        List<Possible> kernels,
        List<Standing> decisions) {

    /**
     * @param build whether a module could be built for it here
     * @param missing why not; each with what mends it
     */
    record Possible(String release, boolean build, List<String> missing) {}

    static InstallPreview of(HostOptions host, FleetOptions fleet, boolean installDependencies) throws IOException {
        AgentMemory memory = AgentMemory.open(host.state());
        HostInspector inspector = host.inspector(memory::installed);
        HostReport report = inspector.inspect();
        SupplyPlan plan = installDependencies
                ? SupplyPlan.of(report, inspector.packageManager(report), hasExtraSources(host.root()))
                : new SupplyPlan(List.of(), List.of());
        List<Possible> kernels = report.kernels().stream()
                .map(kernel -> {
                    List<String> missing = Stream.concat(report.checks().stream(), kernel.checks().stream())
                            .filter(check -> !check.passed())
                            .filter(check -> !isSupplied(check, fleet.enablesDkms(), installDependencies))
                            .map(Answers::remedyOf)
                            .toList();
                    return new Possible(kernel.identity().release(), missing.isEmpty(), missing);
                })
                .toList();
        return new InstallPreview(
                plan.steps().stream().map(Object::toString).toList(),
                fleet.enablesDkms() && !Consent.in(host.state()).isGiven(),
                report,
                kernels,
                memory.standing());
    }

    private static boolean isSupplied(Check check, boolean enablesDkms, boolean installs) {
        return switch (check.piece()) {
            case CONSENT -> enablesDkms;
            case DKMS, COMPILER, MAKE, HEADERS -> installs;
            default -> false;
        };
    }

    static boolean hasExtraSources(HostRoot root) {
        return Files.exists(root.at("/etc/yum.repos.d/epel.repo"));
    }

    int show(HostOptions host) {
        if (host.isJson()) {
            System.out.println(FleetJson.write(this));
            return 0;
        }
        Screen screen = Screen.of(false);
        screen.info("Dry run: nothing is changed, and nobody is asked.");
        commands.forEach(command -> screen.info("Would run: " + command));
        boolean lacksDkms = report.checks().stream().anyMatch(check -> check.piece() == Piece.DKMS && !check.passed());
        if (enablesDkms && lacksDkms && commands.isEmpty()) {
            screen.error("Would end here: --enable-dkms was given, but dkms is not installed.");
            return AgentCommand.FAILED;
        }
        if (enablesDkms) {
            screen.info("Would let modules be built on this host with DKMS, from now on.");
        }
        screen.info("Would report " + report.hostname() + " (" + report.os().prettyName() + ") with "
                + report.kernels().size() + (report.kernels().size() == 1 ? " kernel." : " kernels."));
        for (Possible kernel : kernels) {
            screen.info(kernel.release() + ": would install a package that fits, "
                    + (kernel.build() ? "or build the module here." : "but could not build one here:"));
            kernel.missing().forEach(missing -> screen.info("  " + missing));
        }
        decisions.forEach(standing -> screen.info("The answer that stands: " + Answers.lineOf(standing.decision())));
        return 0;
    }
}
