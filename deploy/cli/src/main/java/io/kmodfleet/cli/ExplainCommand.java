package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Why. */
@Command(name = "explain", description = "Say why a host was told what it was told, and what would change that.")
final class ExplainCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "HOST", description = "Its id, the first six or more digits of it, or its name.")
    private String host;

    @Override
    public Integer call() throws IOException {
        JsonNode why = api.fromCoordinator("/api/v1/hosts/" + FleetApi.escaped(host) + "/explanation");
        if (printing.isJson()) {
            printing.json(why);
            return 0;
        }
        System.out.println(
                why.path("hostname").asText() + " (" + why.path("host").asText() + ")");
        if (why.path("answers").isEmpty()) {
            System.out.println("\nThe policy wants no module on it.");
        }
        for (JsonNode answer : why.path("answers")) {
            print(answer);
        }
        return 0;
    }

    private static void print(JsonNode answer) {
        System.out.printf(
                "%n%s on %s: %s, %s (decision %s, %s)%n",
                answer.path("module").asText(),
                answer.path("release").asText(),
                answer.path("decision").asText(),
                answer.path("reason").asText(),
                answer.path("id").asText(),
                Printing.ago(answer.path("at").asText()));
        System.out.println("  " + answer.path("text").asText());
        for (JsonNode missing : answer.path("missing")) {
            System.out.printf(
                    "  ✘ %s. To mend it: %s%n",
                    missing.path("found").asText(), missing.path("remedy").asText());
        }
        if (!answer.path("change").asText().isEmpty()) {
            System.out.println(
                    "  What would change it: " + answer.path("change").asText());
        }
        for (JsonNode fact : answer.path("facts")) {
            System.out.printf(
                    "    %-16s %s%n",
                    fact.path("name").asText(), fact.path("value").asText());
        }
    }
}
