package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The coordinator's answers in words, as this host remembers them; asks nobody. */
@Command(
        name = "why",
        description = "Say why this host has, waits for, or does not get its modules, and what would change that.")
final class WhyCommand implements Callable<Integer> {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    @Mixin
    private HostOptions host;

    @Parameters(
            arity = "0..1",
            paramLabel = "KERNEL",
            description = "Only this kernel, as uname -r prints it (default: all).")
    private Optional<String> kernel;

    /** What {@code -o json} prints for each answer. */
    record Answer(
            String release,
            String module,
            String decision,
            Reason reason,
            Instant since,
            String text,
            String change,
            List<Fact> facts,
            List<Check> missing) {

        static Answer of(Standing standing) {
            Decision decision = standing.decision();
            Explanation words = Explanation.of(decision);
            return new Answer(
                    decision.subject().release(),
                    decision.subject().module(),
                    Answers.kindOf(decision),
                    decision.reason(),
                    standing.since(),
                    words.text(),
                    words.change(),
                    decision.facts(),
                    decision instanceof Decision.Reject reject ? reject.missing() : List.of());
        }
    }

    @Override
    public Integer call() throws IOException {
        Path state = host.stateToReadWhole();
        boolean everRan = Files.exists(state.resolve("memory.json"));
        List<Answer> answers = AgentMemory.open(state).standing().stream()
                .map(Answer::of)
                .filter(answer -> kernel.map(answer.release()::equals).orElse(true))
                .toList();
        if (host.isJson()) {
            System.out.println(FleetJson.write(answers));
        } else if (answers.isEmpty()) {
            System.out.println(
                    everRan
                            ? "The coordinator has not answered"
                                    + kernel.map(name -> " about kernel " + name)
                                            .orElse("") + " yet."
                            : "No agent has run on this host yet: 'kmodfleet-agent install' does it once, 'run' for good.");
        } else {
            answers.forEach(WhyCommand::print);
        }
        return 0;
    }

    private static void print(Answer answer) {
        Screen screen = Screen.of(false);
        screen.line(
                "",
                answer.module() + " on " + answer.release() + ": " + answer.decision() + ", " + answer.reason()
                        + ", since " + TIME.format(answer.since().atZone(ZoneId.systemDefault())));
        screen.line("  ", answer.text());
        answer.missing().stream()
                .filter(check -> !check.passed())
                .forEach(check -> screen.line("  ", Answers.remedyOf(check)));
        if (!answer.change().isEmpty()) {
            screen.line("  ", "What would change it: " + answer.change());
        }
    }
}
