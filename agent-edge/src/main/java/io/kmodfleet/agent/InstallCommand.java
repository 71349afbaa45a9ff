package io.kmodfleet.agent;

import io.kmodfleet.contracts.Decision;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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

    @Override
    public Integer call() throws Exception {
        Instant begin = Instant.now();
        Instant end = begin.plusSeconds(timeout);
        List<Decision> shown = new ArrayList<>();
        try (Agent agent = Agent.start(fleet.settings(host, false))) {
            say("[INFO] Reporting this host and its kernels.");
            while (true) {
                agent.turn(PATIENCE);
                if (agent.isAcknowledged()) {
                    for (Decision decision : agent.decisions()) {
                        if (!shown.contains(decision)) {
                            shown.add(decision);
                            show(decision);
                        }
                    }
                    if (agent.decisions().isEmpty()) {
                        say("✔ [SUCCESS] The policy wants no module here. Nothing to do.");
                        return 0;
                    }
                    int code = codeOf(agent.decisions());
                    if (code != AgentCommand.WAITING) {
                        return code;
                    }
                } else if (Instant.now().isAfter(begin.plus(CONTACT)) && shown.isEmpty()) {
                    say("[ERROR] Expected the coordinator to acknowledge the report within " + CONTACT.toSeconds()
                            + " s, but nothing came. Is Kafka at " + fleet.kafka() + ", and does the coordinator run?");
                    return AgentCommand.NOT_REACHED;
                }
                if (Instant.now().isAfter(end)) {
                    say("[ERROR] Still waiting after " + timeout
                            + " s. Run it again later; the answer stands in 'kmodfleet-agent status'.");
                    return AgentCommand.WAITING;
                }
            }
        }
    }

    /** Keep is done, Reject is final for this visit, everything else is under way. */
    private static int codeOf(List<Decision> decisions) {
        if (decisions.stream()
                .anyMatch(decision -> !(decision instanceof Decision.Keep) && !(decision instanceof Decision.Reject))) {
            return AgentCommand.WAITING;
        }
        return decisions.stream().allMatch(Decision.Keep.class::isInstance) ? 0 : AgentCommand.REFUSED;
    }

    private static void show(Decision decision) {
        if (decision instanceof Decision.Keep) {
            say("✔ [SUCCESS] " + Answers.lineOf(decision));
        } else if (decision instanceof Decision.Reject) {
            say("[ERROR] " + Answers.lineOf(decision));
            Answers.remediesOf(decision).forEach(remedy -> say("[ERROR]   " + remedy));
        } else if (decision instanceof Decision.Wait) {
            say("[INFO] " + Answers.lineOf(decision));
        }
    }

    private static void say(String line) {
        System.out.println("[" + LocalDateTime.now().format(TIME) + "] " + line);
    }
}
