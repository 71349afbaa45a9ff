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

    @Parameters(
            index = "0",
            paramLabel = "HOST",
            description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "KERNEL",
            description = "Only this release (default: every kernel of the host).")
    private Optional<String> kernel;

    @Option(names = "--rules", description = "Show every rule in order, and what came of it.")
    private boolean rules;

    @Option(
            names = "--at",
            paramLabel = "POSITION|INSTANT",
            description = "As it was after that position of the ledger, or at that instant.")
    private Optional<String> moment;

    @Override
    public Integer call() throws IOException {
        JsonNode why = moment.isPresent() || ledger.isElsewhere()
                ? StateView.at(ledger, moment.orElse("")).explanation(host)
                : ledger.api()
                        .fromCoordinator("/api/v1/hosts/" + FleetApi.escaped(host) + "/explanation"
                                + kernel.map(release -> "?kernel=" + FleetApi.escaped(release))
                                        .orElse(""));
        if (printing.isJson()) {
            printing.json(why);
            return 0;
        }
        print(why, kernel, rules);
        return 0;
    }

    /** @param kernel only that release */
    static void print(JsonNode why, Optional<String> kernel, boolean rules) {
        Printing.line("%s (%s)", why.path("hostname").asText(), why.path("host").asText());
        printReboot(why.path("reboot"));
        boolean any = false;
        for (JsonNode answer : why.path("answers")) {
            if (kernel.map(answer.path("release").asText()::equals).orElse(true)) {
                printAnswer(answer, rules);
                any = true;
            }
        }
        if (!any) {
            System.out.println("\nThe policy wants no module on "
                    + kernel.map(release -> "kernel " + release + ", or the host does not have it.")
                            .orElse("it."));
        }
    }

    private static void printReboot(JsonNode reboot) {
        switch (reboot.path("answer").asText()) {
            case "SAFE" -> Printing.line("✔ safe to reboot");
            case "NOT_SAFE" ->
                Printing.line(
                        "✘ not safe to reboot into %s: %s, %s",
                        reboot.path("kernel").asText(),
                        reboot.path("module").asText(),
                        reboot.path("because").asText());
            default ->
                Printing.line(
                        "? safe to reboot: unknown, %s", reboot.path("because").asText());
        }
    }

    private static void printAnswer(JsonNode answer, boolean rules) {
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
        printRules(answer.path("rules"), rules);
    }

    private static void printRules(JsonNode trail, boolean all) {
        for (JsonNode rule : trail) {
            String outcome = rule.path("outcome").asText();
            boolean nearly = outcome.equals("WOULD_ANSWER");
            if (all || nearly) {
                Printing.line(
                        "    rule %-7s %s%s",
                        rule.path("number").asText(),
                        rule.path("when").asText(),
                        switch (outcome) {
                            case "ANSWERS" -> ": this is the answer";
                            case "MARKS" -> ": yes, and it marks the answer";
                            case "WOULD_ANSWER" ->
                                ": would answer " + rule.path("reason").asText() + " if the ones before it did not";
                            default -> ": no";
                        });
            }
        }
    }
}
