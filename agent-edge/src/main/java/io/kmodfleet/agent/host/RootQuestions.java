package io.kmodfleet.agent.host;

import io.kmodfleet.agent.host.HostPrograms.Outcome;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Asks programs of the host that only answer. Whoever asks nothing starts nothing. */
final class RootQuestions {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final HostRoot root;
    private HostPrograms programs;

    RootQuestions(HostRoot root) {
        this.root = root;
    }

    /**
     * What it printed; empty where it is not there or did not succeed.
     *
     * @throws IOException where it did not come to its end: then it may be asked again
     */
    Optional<String> ask(String program, String... arguments) throws IOException {
        if (root.program(program).isEmpty()) {
            return Optional.empty();
        }
        if (programs == null) {
            programs = new HostPrograms(root);
        }
        List<String> line = new java.util.ArrayList<>(List.of(program));
        line.addAll(List.of(arguments));
        try {
            Outcome outcome = programs.run(LIMIT, line);
            if (outcome.exitCode() == Outcome.TIMED_OUT) {
                throw new IOException(
                        "Expected " + program + " to end within " + LIMIT.toSeconds() + " s, but it did not");
            }
            return outcome.isSuccess() ? Optional.of(outcome.output()) : Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the agent ends");
        }
    }
}
