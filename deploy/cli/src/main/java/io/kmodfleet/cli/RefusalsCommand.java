package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What was not taken. */
@Command(
        name = "refusals",
        subcommands = RefusalFetchCommand.class,
        description = "Show uploads that the store refused, and why.")
final class RefusalsCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Option(names = "--rule", paramLabel = "RULE", description = "Only those that broke this rule.")
    private String rule;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromStore("/api/v1/refusals" + (rule == null ? "" : "?rule=" + FleetApi.escaped(rule)));
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table = new Table(
                "The store has refused nothing.", "WHEN", "KIND", "NAMED", "BYTES", "RULE", "SIZE", "EVIDENCE");
        for (JsonNode item : answer.path("items")) {
            table.row(
                    Printing.ago(item.path("at").asText()),
                    item.path("kind").asText(),
                    Printing.brief(item.path("digest").asText()),
                    item.path("kept").asBoolean()
                            ? Printing.brief(item.path("found").asText())
                            : "–",
                    item.path("rule").asText(),
                    Printing.size(item.path("size").asLong()),
                    item.path("evidence").asText());
        }
        table.print();
        return 0;
    }
}
