package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Once more. */
@Command(
        name = "retry",
        description = "Ask for everything once more that failed on a host or kept it from being served.")
final class RetryCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Option(names = "--author", paramLabel = "NAME", description = "Who asks (default: the user's name).")
    private String author;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.ask(
                "/api/v1/hosts/" + FleetApi.escaped(host) + "/retry",
                FleetJson.mapper().createObjectNode(),
                author);
        if (printing.isJson()) {
            printing.json(answer);
        } else {
            Printing.line(
                    "✔ Asked, at position %s of the ledger. What came of it: kmodfleet explain %s",
                    answer.path("position").asText(), host);
        }
        return 0;
    }
}
