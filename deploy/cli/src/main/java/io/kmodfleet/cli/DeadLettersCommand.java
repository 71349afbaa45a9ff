package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What was not taken. */
@Command(name = "dead-letters", description = "Show Kafka records that were no observations, and why.")
final class DeadLettersCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromCoordinator("/api/v1/dead-letters");
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table =
                new Table("There is no dead letter.", "WHEN", "TOPIC", "PARTITION", "OFFSET", "PROBLEM", "DETAIL");
        for (JsonNode item : answer.path("items")) {
            table.row(
                    Printing.ago(item.path("at").asText()),
                    item.path("topic").asText(),
                    item.path("partition").asText(),
                    item.path("offset").asText(),
                    item.path("problem").asText(),
                    item.path("detail").asText());
        }
        table.print();
        return 0;
    }
}
