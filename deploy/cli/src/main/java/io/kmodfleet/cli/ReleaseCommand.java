package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Go on. */
@Command(
        name = "release",
        description = "Serve a host again that was held: every answer it got meanwhile is decided afresh.")
final class ReleaseCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Option(names = "--author", paramLabel = "NAME", description = "Who releases it (default: the user's name).")
    private String author;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.ask(
                "/api/v1/hosts/" + FleetApi.escaped(host) + "/release",
                FleetJson.mapper().createObjectNode(),
                author);
        if (printing.isJson()) {
            printing.json(answer);
        } else {
            Printing.line(
                    "✔ Released, at position %s of the ledger. What came of it: kmodfleet explain %s",
                    answer.path("position").asText(), host);
        }
        return 0;
    }
}
