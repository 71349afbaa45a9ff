package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Never again. */
@Command(
        name = "recall",
        description = {
            "Recall a package: no host gets it any more, and every host that has it is answered anew.",
            "Without --yes it only lists those hosts. No host loses the module it has."
        })
final class RecallCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(
            paramLabel = "DIGEST",
            description = "Of the package, or as many of its first digits as no other begins with; 'packages' has it.")
    private String digest;

    @Option(names = "--why", paramLabel = "TEXT", description = "For everybody who reads it later.")
    private String why;

    @Option(names = "--yes", description = "Do it.")
    private boolean yes;

    @Option(names = "--author", paramLabel = "NAME", description = "Who recalls it (default: the user's name).")
    private String author;

    @Override
    public Integer call() throws IOException {
        String path = "/api/v1/packages/" + FleetApi.escaped(digest);
        if (!yes) {
            JsonNode hosts = api.fromCoordinator(path + "/hosts");
            if (printing.isJson()) {
                printing.json(hosts);
            } else {
                print(hosts.path("items"));
                System.out.println("Nothing was recalled. To do it: the same with --yes and --why TEXT.");
            }
            return 0;
        }
        if (why == null || why.isBlank()) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE, "Expected --why TEXT: whoever reads it later wants to know.");
        }
        JsonNode answer =
                api.ask(path + "/recall", FleetJson.mapper().createObjectNode().put("why", why), author);
        if (printing.isJson()) {
            printing.json(answer);
        } else {
            print(answer.path("hosts"));
            Printing.line(
                    "✔ Recalled, at position %s of the ledger.",
                    answer.path("position").asText());
        }
        return 0;
    }

    private static void print(JsonNode hosts) {
        Table table = new Table("No host has it.", "HOST", "NAME", "RUNS ITS KERNEL");
        for (JsonNode host : hosts) {
            table.row(
                    Printing.shortened(host.path("host").asText()),
                    host.path("hostname").asText(),
                    host.path("running").asBoolean() ? "yes" : "no");
        }
        table.print();
    }
}
