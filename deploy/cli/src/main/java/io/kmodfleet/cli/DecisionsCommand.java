package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What was decided. */
@Command(name = "decisions", description = "Show the newest decisions of the ledger.")
final class DecisionsCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Option(
            names = "--host",
            paramLabel = "HOST",
            description = "Only those about this host: id, beginning of an id, or name.")
    private Optional<String> host;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "50",
            description = "At most so many (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromCoordinator("/api/v1/decisions?limit=" + limit
                + host.map(name -> "&host=" + FleetApi.escaped(name)).orElse(""));
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table =
                new Table("Nothing was decided yet.", "ID", "WHEN", "HOST", "KERNEL", "MODULE", "DECISION", "REASON");
        for (JsonNode item : answer.path("items")) {
            table.row(
                    item.path("id").asText(),
                    Printing.ago(item.path("at").asText()),
                    item.path("hostname").asText(),
                    item.path("release").asText(),
                    item.path("module").asText(),
                    item.path("decision").asText(),
                    item.path("reason").asText());
        }
        table.print();
        return 0;
    }
}
