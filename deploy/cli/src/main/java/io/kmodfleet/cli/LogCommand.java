package io.kmodfleet.cli;

import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.wire.Topics;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a build says, while it runs and some days after. */
@Command(
        name = "log",
        description = {
            "Print what a build said, line by line; with --follow also what it says from now on, until it ends.",
            "What looks like a secret was taken out before it left the host."
        })
final class LogCommand implements Callable<Integer> {

    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:KMODFLEET_KAFKA:-127.0.0.1:7072}",
            description = "Bootstrap servers; KMODFLEET_KAFKA (default: 127.0.0.1:7072).")
    private String kafka;

    @Option(
            names = {"-f", "--follow"},
            description = "Wait for what is still to come.")
    private boolean follow;

    @Parameters(paramLabel = "BUILD", description = "Its id, as 'kmodfleet decisions' shows it for a build.")
    private String build;

    private boolean found;

    @Override
    public Integer call() {
        String id;
        try {
            id = DecisionId.parse(build).toString();
        } catch (IllegalArgumentException e) {
            throw new Trouble(KmodfleetCommand.WRONG_USAGE, e.getMessage() + ".");
        }
        try (Topic logs = Topic.open(kafka, Topics.BUILD_LOGS, Optional.of(id))) {
            logs.readTexts(id, follow, this::isPrinted);
        }
        if (!found) {
            throw new Trouble(
                    KmodfleetCommand.NOT_FOUND,
                    "Expected lines of build " + id
                            + ", but there are none: it has not begun, is older than what the topic"
                            + " keeps, or is no build. 'kmodfleet decisions' shows the builds.");
        }
        return 0;
    }

    /** Whether there may be more. */
    private boolean isPrinted(String line) {
        found = true;
        System.out.println(Printing.plain(line));
        return !line.startsWith(Topics.BUILD_LOG_END);
    }
}
