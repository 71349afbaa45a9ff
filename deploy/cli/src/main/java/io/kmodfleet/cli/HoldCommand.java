package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Hands off. */
@Command(
        name = "hold",
        description = {
            "Leave a host as it is: it is given nothing new, builds for nobody and tries nothing for others.",
            "It keeps what it has. 'release' ends it."
        })
final class HoldCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Option(names = "--why", required = true, paramLabel = "TEXT", description = "For everybody who reads it later.")
    private String why;

    @Option(names = "--author", paramLabel = "NAME", description = "Who holds it (default: the user's name).")
    private String author;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.ask(
                "/api/v1/hosts/" + FleetApi.escaped(host) + "/hold",
                FleetJson.mapper().createObjectNode().put("why", why),
                author);
        if (printing.isJson()) {
            printing.json(answer);
        } else {
            Printing.line(
                    "✔ Held, at position %s of the ledger, until: kmodfleet release %s",
                    answer.path("position").asText(), host);
        }
        return 0;
    }
}
