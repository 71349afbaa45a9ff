package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Before the upgrade. */
@Command(
        name = "preflight",
        description = "Say what would happen if every host got a kernel: who would reuse, wait, build, be refused.")
final class PreflightCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "RELEASE", description = "The kernel, as uname -r prints it; nobody needs to have it yet.")
    private String release;

    @Option(
            names = "--image",
            paramLabel = "DIGEST",
            description = "SHA-256 of the very image (default: an image that nobody has).")
    private Optional<String> image;

    @Option(
            names = "--arch",
            paramLabel = "ARCH",
            defaultValue = "x86_64",
            description = "As uname -m prints it (default: ${DEFAULT-VALUE}).")
    private String arch;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromCoordinator("/api/v1/preflight?release=" + FleetApi.escaped(release) + "&arch="
                + FleetApi.escaped(arch)
                + image.map(digest -> "&image=" + FleetApi.escaped(digest)).orElse(""));
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        String hosts = answer.path("hosts").asText();
        Printing.line("%s %s would get %s:", hosts, hosts.equals("1") ? "host" : "hosts", release);
        Table table =
                new Table("The policy wants no module there.", "MODULE", "REUSE", "WAIT", "BUILDS", "REFUSED", "BY");
        for (JsonNode line : answer.path("modules")) {
            table.row(
                    line.path("module").asText(),
                    line.path("reuse").asText(),
                    line.path("waiting").asText(),
                    line.path("build").asText(),
                    refused(line),
                    line.path("builder").asText("–"));
        }
        table.print();
        return 0;
    }

    private static String refused(JsonNode line) {
        StringJoiner reasons = new StringJoiner(", ", " (", ")");
        line.path("refused")
                .fields()
                .forEachRemaining(reason -> reasons.add(reason.getKey() + " " + reason.getValue()));
        int all = line.path("refusedHosts").asInt();
        return all == 0 ? "0" : all + reasons.toString();
    }
}
