package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Yes, we know. */
@Command(
        name = "accept",
        description = {
            "Live with it that a host would boot without its module: it is shown as accepted, and alerts leave it out.",
            "It changes no answer, and ends by itself with the next one that the host gets."
        })
final class AcceptCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Option(names = "--why", required = true, paramLabel = "TEXT", description = "For everybody who reads it later.")
    private String why;

    @Option(names = "--author", paramLabel = "NAME", description = "Who accepts it (default: the user's name).")
    private String author;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.ask(
                "/api/v1/hosts/" + FleetApi.escaped(host) + "/accept",
                FleetJson.mapper().createObjectNode().put("why", why),
                author);
        if (printing.isJson()) {
            printing.json(answer);
        } else {
            Printing.line(
                    "✔ Accepted, at position %s of the ledger.",
                    answer.path("position").asText());
        }
        return 0;
    }
}
