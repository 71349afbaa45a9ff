package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How it was. */
@Command(
        name = "state",
        description = "Show what was known at a moment: of the fleet, a host, or a build target.",
        footer = {
            "",
            "Exit codes:",
            "  0  shown",
            "  1  the ledger cannot be folded up to there; run kmodfleet audit on it",
            "  2  wrong usage",
            "  3  coordinator or broker not reached",
            "  4  no such host, target, file or topic"
        })
final class AuditStateCommand implements Callable<Integer> {

    @Mixin
    private LedgerFrom ledger;

    @Mixin
    private Printing printing;

    @Option(
            names = "--at",
            paramLabel = "POSITION|INSTANT",
            defaultValue = "",
            description = "After that position, or at that instant like 2026-11-24T03:00:00Z (default: the end).")
    private String moment;

    @Option(names = "--host", paramLabel = "HOST", description = "This host: id, beginning of an id, or name.")
    private Optional<String> host;

    @Option(
            names = "--target",
            paramLabel = "PART",
            description = "The build targets that this names: a kernel release, or the digest of an image or a source,"
                    + " or a part of one.")
    private Optional<String> target;

    @Override
    public Integer call() throws IOException {
        StateView state = StateView.at(ledger, moment);
        JsonNode answer = host.isPresent()
                ? state.explanation(host.get())
                : target.isPresent() ? state.targets(target.get()) : state.fleet();
        if (target.isPresent() && answer.isEmpty()) {
            throw new Trouble(
                    KmodfleetCommand.NOT_FOUND,
                    "Expected a build target with '" + target.get() + "' in its release, image or source, but none is"
                            + " known at that moment.");
        }
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Printing.line("%s", state.heading());
        System.out.println();
        if (host.isPresent()) {
            ExplainCommand.print(answer, Optional.empty(), false);
        } else if (target.isPresent()) {
            targets(state, (ArrayNode) answer);
        } else {
            fleet(state, answer);
        }
        return 0;
    }

    private static void fleet(StateView state, JsonNode fleet) {
        Printing.line(
                "%s hosts, %s builds under way. %s",
                fleet.path("hosts").asText(),
                fleet.path("buildsUnderWay").asText(),
                fleet.has("policy")
                        ? "The policy in force was published at position "
                                + fleet.at("/policy/position").asText() + "."
                        : "No policy was published.");
        System.out.println();
        Table table = new Table("No host was told anything.", "ANSWER", "REASON", "COUNT");
        for (JsonNode answer : fleet.path("answers")) {
            table.row(
                    answer.path("decision").asText(),
                    answer.path("reason").asText(),
                    answer.path("count").asText());
        }
        table.print();
        System.out.println();
        targets(state, (ArrayNode) fleet.path("targets"));
    }

    private static void targets(StateView state, ArrayNode targets) {
        Table table = new Table(
                "No build target is known.",
                "KERNEL",
                "IMAGE",
                "SOURCE",
                "BUILD",
                "FAILURES",
                "PACKAGE",
                "PROOF",
                "ON HOSTS",
                "WAITING");
        for (JsonNode target : targets) {
            JsonNode running = target.path("running");
            JsonNode first = target.path("packages").path(0);
            for (JsonNode known : target.path("packages")) {
                first = known.has("recalled") ? first : known;
            }
            table.row(
                    target.at("/target/release").asText(),
                    Printing.brief(target.at("/target/image").asText()),
                    Printing.brief(target.at("/target/source").asText()),
                    running.isMissingNode()
                            ? "–"
                            : running.path("build").asText() + " on "
                                    + state.nameOf(running.path("builder").asText()),
                    Integer.toString(target.path("failures").size()),
                    first.isMissingNode()
                            ? "–"
                            : Printing.brief(first.path("digest").asText())
                                    + (first.has("recalled") ? " (recalled)" : ""),
                    first.path("proof").asText("–"),
                    Integer.toString(first.path("served").size()),
                    Integer.toString(target.path("askers").size()));
        }
        table.print();
    }
}
