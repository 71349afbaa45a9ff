package io.kmodfleet.agent;

import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.Console;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
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

    private static final Duration PATIENCE = Duration.ofMillis(500);
    private static final Duration CONTACT = Duration.ofSeconds(60);

    /** Nothing that this host has or gets would change these. */
    private static final Set<Reason> NOT_SUPPORTED = Set.of(
            Reason.KERNEL_OUT_OF_RANGE,
            Reason.OS_UNSUPPORTED,
            Reason.PLATFORM_TOO_OLD,
            Reason.ARCH_UNSUPPORTED,
            Reason.NOT_APPLICABLE);

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

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

    private boolean asked;

    /** What {@code -o json} prints at the end. */
    record Visit(int exitCode, String outcome, List<Decision> decisions) {}

    @Override
    public Integer call() throws Exception {
        if (fleet.enablesDkms() && host.root().program("dkms").isEmpty()) {
            throw new Trouble(
                    "Expected the DKMS tools on this host, for --enable-dkms was given, but dkms is not installed."
                            + " Install it ('kmodfleet-agent preflight' names the command), or leave out --enable-dkms.");
        }
        try (Agent agent = Agent.start(fleet.settings(host, false))) {
            Visit visit = visit(agent);
            if (host.isJson()) {
                System.out.println(FleetJson.write(visit));
            } else if (visit.exitCode() == 0) {
                say("✔ [SUCCESS] " + visit.outcome());
            } else {
                say("[ERROR] " + visit.outcome());
            }
            return visit.exitCode();
        }
    }

    private Visit visit(Agent agent) throws IOException, InterruptedException {
        Instant begin = Instant.now();
        Instant end = begin.plusSeconds(timeout);
        List<Decision> shown = new ArrayList<>();
        boolean answered = false;
        say("[INFO] Reporting this host and its kernels.");
        while (true) {
            agent.turn(PATIENCE);
            Instant now = Instant.now();
            List<Decision> decisions = agent.decisions();
            if (agent.isAnswered()) {
                answered = true;
                decisions.stream().filter(decision -> !shown.contains(decision)).forEach(this::show);
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
        Console console = System.console();
        if (asked || host.isJson() && !yes) {
            return false;
        }
        asked = true;
        String question =
                "Sorry, the current kernel version " + decision.subject().release()
                        + " is not found, but the DKMS tools is installed, would you like to build "
                        + decision.subject().module() + " with DKMS? (y/n) [n]: ";
        if (yes || console == null) {
            say("[INFO] " + question + (yes ? "y" : "n"));
            return yes;
        }
        String answer = console.readLine("[%s] [INFO] %s", LocalDateTime.now().format(TIME), question);
        return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
    }

    /** Keep is done, Reject is final for this visit. */
    private static boolean isUnderWay(Decision decision) {
        return !(decision instanceof Decision.Keep) && !(decision instanceof Decision.Reject);
    }

    private void show(Decision decision) {
        if (decision instanceof Decision.Keep) {
            say("✔ [SUCCESS] " + Answers.lineOf(decision));
        } else if (decision instanceof Decision.Reject) {
            say("[ERROR] " + Answers.lineOf(decision));
            Answers.remediesOf(decision).forEach(remedy -> say("[ERROR]   " + remedy));
        } else if (decision instanceof Decision.Wait) {
            say("[INFO] " + Answers.lineOf(decision));
        }
    }

    /** In JSON the lines are no part of the answer. */
    private void say(String line) {
        (host.isJson() ? System.err : System.out)
                .println("[" + LocalDateTime.now().format(TIME) + "] " + line);
    }
}
