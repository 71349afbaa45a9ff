package io.kmodfleet.agent;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
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

    /** What {@code -o json} prints at the end. */
    record Visit(int exitCode, String outcome, List<Decision> decisions) {}

    @Override
    public Integer call() throws Exception {
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
        return refused.isEmpty()
                ? new Visit(0, "Every module that the policy wants here is installed.", decisions)
                : new Visit(
                        AgentCommand.REFUSED,
                        "Refused: " + refused.stream().map(Answers::lineOf).collect(Collectors.joining("; ")) + ".",
                        decisions);
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
