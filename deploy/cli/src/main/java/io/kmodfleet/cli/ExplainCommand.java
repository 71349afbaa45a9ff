package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Why. */
@Command(name = "explain", description = "Say why a host was told what it was told, and what would change that.")
final class ExplainCommand implements Callable<Integer> {

    @Mixin
    private LedgerFrom ledger;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Option(
            names = "--at",
            paramLabel = "POSITION|INSTANT",
            description = "As it was after that position of the ledger, or at that instant.")
    private Optional<String> moment;

    @Override
    public Integer call() throws IOException {
        JsonNode why = moment.isPresent() || ledger.isElsewhere()
                ? StateView.at(ledger, moment.orElse("")).explanation(host)
                : ledger.api().fromCoordinator("/api/v1/hosts/" + FleetApi.escaped(host) + "/explanation");
        if (printing.isJson()) {
            printing.json(why);
            return 0;
        }
        print(why);
        return 0;
    }

    static void print(JsonNode why) {
        Printing.line("%s (%s)", why.path("hostname").asText(), why.path("host").asText());
        if (why.path("answers").isEmpty()) {
            System.out.println("\nThe policy wants no module on it.");
        }
        for (JsonNode answer : why.path("answers")) {
            printAnswer(answer);
        }
    }

    private static void printAnswer(JsonNode answer) {
        System.out.println();
        Printing.line(
                "%s on %s: %s, %s (decision %s, %s)",
                answer.path("module").asText(),
                answer.path("release").asText(),
                answer.path("decision").asText(),
                answer.path("reason").asText(),
                answer.path("id").asText(),
                Printing.ago(answer.path("at").asText()));
        Printing.line("  %s", answer.path("text").asText());
        for (JsonNode missing : answer.path("missing")) {
            Printing.line(
                    "  ✘ %s. To mend it: %s",
                    missing.path("found").asText(), missing.path("remedy").asText());
        }
        if (!answer.path("change").asText().isEmpty()) {
            Printing.line("  What would change it: %s", answer.path("change").asText());
        }
        for (JsonNode fact : answer.path("facts")) {
            Printing.line(
                    "    %-16s %s",
                    fact.path("name").asText(), fact.path("value").asText());
        }
    }
}
