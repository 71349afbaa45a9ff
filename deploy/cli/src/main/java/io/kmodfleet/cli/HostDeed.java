package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What somebody does to a host for a reason. */
abstract class HostDeed implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Option(names = "--why", required = true, paramLabel = "TEXT", description = "For everybody who reads it later.")
    private String why;

    @Option(names = "--author", paramLabel = "NAME", description = "Who says so (default: the user's name).")
    private String author;

    /** The last part of its address. */
    abstract String deed();

    /** @param position of the ledger, at which it stands */
    abstract String done(String host, String position);

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.ask(
                "/api/v1/hosts/" + FleetApi.escaped(host) + "/" + deed(),
                FleetJson.mapper().createObjectNode().put("why", why),
                author);
        if (printing.isJson()) {
            printing.json(answer);
        } else {
            Printing.line("%s", done(host, answer.path("position").asText()));
        }
        return 0;
    }
}
