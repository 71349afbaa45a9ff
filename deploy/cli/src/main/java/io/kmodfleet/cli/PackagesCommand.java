package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What the store has built. */
@Command(name = "packages", description = "Show the module packages in the store.")
final class PackagesCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromStore("/api/v1/packages?limit=1000");
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table = new Table(
                "The store has no package yet.",
                "PACKAGE",
                "MODULE",
                "VERSION",
                "KERNEL",
                "IMAGE",
                "BUILDER",
                "SIZE",
                "STORED");
        for (JsonNode item : answer.path("items")) {
            table.row(
                    Printing.brief(item.path("digest").asText()),
                    item.path("module").asText(),
                    item.path("moduleVersion").asText(),
                    item.path("target").path("release").asText(),
                    Printing.brief(item.path("target").path("image").asText()),
                    Printing.shortened(item.path("builder").asText()),
                    Printing.size(item.path("size").asLong()),
                    Printing.ago(item.path("storedAt").asText()));
        }
        table.print();
        return 0;
    }
}
