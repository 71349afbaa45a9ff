package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What failed. */
@Command(
        name = "failures",
        description = "Show what failed to build, install or load; the same error of many hosts once.")
final class FailuresCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromCoordinator("/api/v1/failures");
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table = new Table("Nothing has failed.", "KIND", "HOSTS", "TIMES", "FIRST", "LAST", "KERNELS", "ERROR");
        for (JsonNode item : answer.path("items")) {
            table.row(
                    item.path("kind").asText(),
                    item.path("hosts").asText(),
                    item.path("times").asText(),
                    Printing.ago(item.path("first").asText()),
                    Printing.ago(item.path("last").asText()),
                    item.path("releases").size() == 1
                            ? item.path("releases").get(0).asText()
                            : item.path("releases").size() + " releases",
                    item.path("error").asText());
        }
        table.print();
        return 0;
    }
}
