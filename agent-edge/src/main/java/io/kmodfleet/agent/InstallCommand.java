package io.kmodfleet.agent;

import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelPackage;
import io.kmodfleet.agent.supply.Supplier;
import io.kmodfleet.agent.supply.SupplyPlan;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** One visit: report, carry out what comes of it, say how it ended. */
@Command(
        name = "install",
        description = "Report this host once, build or install what the coordinator decides, and end.",
        footer = {"", "With several kernels or modules, the exit code is that of the worst answer."})
final class InstallCommand implements Callable<Integer> {

    /** Held, for a logger that nobody holds forgets its level. */
    private static final Logger AGENT_LOG = Logger.getLogger("io.kmodfleet");

    private static final Duration PATIENCE = Duration.ofMillis(500);
    private static final Duration CONTACT = Duration.ofSeconds(60);

    /** Nothing that this host has or gets would change these. */
    private static final Set<Reason> NOT_SUPPORTED = Set.of(
            Reason.KERNEL_OUT_OF_RANGE,
            Reason.OS_UNSUPPORTED,
            Reason.PLATFORM_TOO_OLD,
            Reason.ARCH_UNSUPPORTED,
            Reason.NOT_APPLICABLE);

    @Mixin
    private HostOptions host;

    @Mixin
    private FleetOptions fleet;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "1800",
            description = "How long to wait for others (default: ${DEFAULT-VALUE}).")
    private int timeout;

    @Option(
            names = {"-y", "--yes"},
            description = "Answer every question with yes.")
    private boolean yes;

    @Option(
            names = "--install-dependencies",
            description =
                    "First install what building lacks (dkms, gcc, make, headers) with this host's package manager; asks before.")
    private boolean installDependencies;

    @Option(
            names = "--dry-run",
            description = "Say what would be installed, reported and done; change nothing and ask nobody.")
    private boolean dryRun;

    private boolean asked;
    private Screen screen;

    /** What {@code -o json} prints at the end. */
    record Visit(int exitCode, String outcome, List<Decision> decisions) {}

    @Override
    public Integer call() throws Exception {
        HostRoot root = host.root();
        Path state = host.state();
        if (dryRun) {
            return InstallPreview.of(host, fleet, installDependencies).show(host);
        }
        Hangup.survive();
        Files.createDirectories(state);
        screen = Screen.of(host.isJson()).keptIn(state.resolve("visit.log"));
        if (screen.isTerminal()) {
            // Whoever watches sees the build itself.
            AGENT_LOG.setLevel(Level.WARNING);
        }
        HostInspector inspector = host.inspector(Map::of);
        inspector.hostId();
        HostReport report = inspector.inspect();
        if (installDependencies) {
            supply(root, SupplyPlan.of(report, inspector.packageManager(report), InstallPreview.hasExtraSources(root)));
        }
        if (fleet.enablesDkms() && root.program("dkms").isEmpty()) {
            throw new Trouble(
                    "Expected the DKMS tools on this host, for --enable-dkms was given, but dkms is not installed."
                            + " Install it ('kmodfleet-agent preflight' names the command, --install-dependencies runs"
                            + " it), or leave out --enable-dkms.");
        }
        sayWhatHadBeenInstalled(inspector.detail(report, Set.of()), report);
        try (Agent agent = Agent.start(fleet.settings(host, false, RunCommand.HEARTBEAT_SECONDS));
                BuildProgress progress = BuildProgress.show(screen, state.resolve("build.log"))) {
            Visit visit = visit(agent);
            progress.close();
            if (host.isJson()) {
                System.out.println(FleetJson.write(visit));
            }
            if (visit.exitCode() == 0) {
                screen.success(visit.outcome());
            } else {
                screen.error(visit.outcome());
            }
            return visit.exitCode();
        }
    }

    /** Product guide, 3.1. */
    private void sayWhatHadBeenInstalled(HostDetail detail, HostReport report) {
        report.kernels().stream()
                .filter(kernel -> kernel.running() || kernel.nextBoot().orElse(false))
                .map(kernel -> detail.packages().getOrDefault(kernel.identity().release(), List.of()))
                .map(packages -> packages.stream()
                        .filter(entry -> entry.kind() != KernelPackage.Kind.OTHER)
                        .map(KernelPackage::name)
                        .toList())
                .filter(names -> !names.isEmpty())
                .forEach(names -> screen.info("The " + String.join(" and ", names) + " had been installed."));
    }

    private void supply(HostRoot root, SupplyPlan plan) throws IOException, InterruptedException {
        if (plan.isEmpty()) {
            screen.info("Everything that building needs is installed.");
            return;
        }
        screen.info("Building here lacks " + String.join(", ", plan.supplied()) + ". To be run:");
        plan.steps().forEach(step -> screen.info("  " + step));
        boolean agreed = yes || !host.isJson() && screen.agrees("Run these commands now? (y/n) [n]: ");
        if (!agreed) {
            screen.info("Not run. This host only reuses what others built.");
            return;
        }
        Supplier.Result result =
                new Supplier(root, step -> screen.info("Running: " + step), line -> screen.line("  ", line)).run(plan);
        result.restored().forEach(file -> screen.info("Put back as it was: " + file));
        if (result.failed().isPresent()) {
            throw new Trouble(result.failed().get() + ". Nothing was reported; run it again once that is mended.");
        }
        screen.success("Installed: " + String.join(", ", plan.supplied()) + ".");
    }

    private Visit visit(Agent agent) throws IOException, InterruptedException {
        Instant begin = Instant.now();
        Instant end = begin.plusSeconds(timeout);
        List<Decision> shown = new ArrayList<>();
        boolean answered = false;
        screen.info("Reporting this host and its kernels.");
        while (true) {
            agent.turn(PATIENCE);
            Instant now = Instant.now();
            List<Decision> decisions = agent.decisions();
            if (agent.isAnswered()) {
                answered = true;
                decisions.stream()
                        .filter(decision -> !shown.contains(decision))
                        // That is asked about first.
                        .filter(decision -> asked || !isForConsent(decision))
                        .forEach(this::show);
                shown.clear();
                shown.addAll(decisions);
                if (decisions.stream().noneMatch(InstallCommand::isUnderWay)) {
                    Optional<Decision> question = decisions.stream()
                            .filter(InstallCommand::isForConsent)
                            .findFirst();
                    if (question.isPresent() && agrees(question.get())) {
                        agent.enableDkms();
                        answered = false;
                        begin = Instant.now();
                        continue;
                    }
                    question.ifPresent(this::show);
                    return ended(decisions);
                }
            }
            if (now.isAfter(end) && answered) {
                return new Visit(
                        AgentCommand.WAITING,
                        "Still waiting after " + timeout + " s: "
                                + decisions.stream()
                                        .filter(InstallCommand::isUnderWay)
                                        .map(Answers::lineOf)
                                        .collect(Collectors.joining("; "))
                                + ". Run it again later; the answer stands in 'kmodfleet-agent status'.",
                        decisions);
            }
            if (!answered && (now.isAfter(begin.plus(CONTACT)) || now.isAfter(end))) {
                return new Visit(
                        AgentCommand.NOT_REACHED,
                        "Expected the coordinator to acknowledge the report within "
                                + Math.min(timeout, CONTACT.toSeconds()) + " s, but nothing came. Is Kafka at "
                                + fleet.kafka()
                                + ", and does the coordinator run?",
                        List.of());
            }
        }
    }

    private static Visit ended(List<Decision> decisions) {
        if (decisions.isEmpty()) {
            return new Visit(0, "The policy wants no module here. Nothing to do.", decisions);
        }
        List<Decision> refused = decisions.stream()
                .filter(decision -> decision instanceof Decision.Reject)
                .toList();
        if (refused.isEmpty()) {
            return new Visit(0, "Every module that the policy wants here is installed.", decisions);
        }
        Optional<Decision> unsupported = refused.stream()
                .filter(decision -> NOT_SUPPORTED.contains(decision.reason()) || isForConsent(decision))
                .findFirst();
        return unsupported
                .map(decision -> new Visit(
                        AgentCommand.NOT_SUPPORTED,
                        "Sorry, the current kernel version "
                                + decision.subject().release()
                                + " is not supported, the installation process cannot proceed.",
                        decisions))
                .orElseGet(() -> new Visit(
                        AgentCommand.REFUSED,
                        "Refused: " + refused.stream().map(Answers::lineOf).collect(Collectors.joining("; ")) + ".",
                        decisions));
    }

    /** Whether this host could build it if only its admin agreed. */
    private static boolean isForConsent(Decision decision) {
        return decision instanceof Decision.Reject reject
                && reject.reason() == Reason.NO_BUILD_ENVIRONMENT
                && !reject.missing().isEmpty()
                && reject.missing().stream().allMatch(check -> check.piece() == Check.Piece.CONSENT);
    }

    /** Without a terminal nobody agrees. */
    private boolean agrees(Decision decision) {
        if (asked || host.isJson() && !yes) {
            return false;
        }
        asked = true;
        String question =
                "Sorry, the current kernel version " + decision.subject().release()
                        + " is not found, but the DKMS tools is installed, would you like to build "
                        + decision.subject().module() + " with DKMS? (y/n) [n]: ";
        if (yes) {
            screen.info(question + "y");
        }
        return yes || screen.agrees(question);
    }

    /** Keep is done, Reject is final for this visit. */
    private static boolean isUnderWay(Decision decision) {
        return !(decision instanceof Decision.Keep) && !(decision instanceof Decision.Reject);
    }

    private void show(Decision decision) {
        if (decision instanceof Decision.Keep) {
            screen.success(Answers.lineOf(decision));
        } else if (decision instanceof Decision.Reject) {
            screen.error(Answers.lineOf(decision));
            Answers.remediesOf(decision).forEach(remedy -> screen.error("  " + remedy));
        } else if (decision instanceof Decision.Wait) {
            screen.info(Answers.lineOf(decision));
        }
    }
}
