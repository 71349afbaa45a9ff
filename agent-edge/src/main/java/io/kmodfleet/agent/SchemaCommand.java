package io.kmodfleet.agent;

import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** For whoever reads the JSON with a program. */
@Command(
        name = "schema",
        description = "Print the JSON Schema of what a command prints with -o json.",
        footer = {"", "As in: kmodfleet-agent schema status, or: kmodfleet-agent schema install --dry-run"})
final class SchemaCommand implements Callable<Integer> {

    @Parameters(
            arity = "1",
            paramLabel = "COMMAND",
            description = "status, why, preflight, install, install-file, build, doctor or uninstall.")
    private String command;

    @picocli.CommandLine.Option(names = "--dry-run", description = "What install prints with --dry-run.")
    private boolean dryRun;

    @Override
    public Integer call() throws IOException {
        String output =
                dryRun && OutputSchema.commands().contains(command + " --dry-run") ? command + " --dry-run" : command;
        if (!OutputSchema.commands().contains(output)) {
            List<String> plain = OutputSchema.commands().stream()
                    .filter(name -> !name.contains(" "))
                    .toList();
            throw new Trouble("Expected a command that prints JSON (" + String.join(", ", plain) + "), but got '"
                    + Screen.plain(command) + "'.");
        }
        System.out.println(
                FleetJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(OutputSchema.of(output)));
        return 0;
    }
}
