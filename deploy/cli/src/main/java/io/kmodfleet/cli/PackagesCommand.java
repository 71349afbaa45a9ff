package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the store has built. */
@Command(
        name = "packages",
        description =
                "Show the module packages in the store, the newest first; all of them, or those that are looked for.")
final class PackagesCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Parameters(
            paramLabel = "WORDS",
            arity = "0..*",
            description = "What names of it begin with, or the first digits of its digest.")
    private List<String> words = List.of();

    @Option(names = "--module", paramLabel = "NAME", description = "Of this module.")
    private String module;

    @Option(names = "--module-version", paramLabel = "VERSION", description = "Of this version of it.")
    private String version;

    @Option(names = "--release", paramLabel = "RELEASE", description = "For this kernel.")
    private String release;

    @Option(names = "--builder", paramLabel = "HOST", description = "Built by this host (its whole id).")
    private String builder;

    @Option(names = "--state", paramLabel = "STATE", description = "candidate, proven or recalled.")
    private String state;

    @Option(names = "--after", paramLabel = "NEXT", description = "Go on where the page before ended.")
    private String after;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromStore("/api/v1/packages?limit=1000" + filters());
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table = new Table(
                filters().isEmpty() ? "The store has no package yet." : "The store has no such package.",
                "PACKAGE",
                "MODULE",
                "VERSION",
                "KERNEL",
                "IMAGE",
                "BUILDER",
                "STATE",
                "BUILDERS",
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
                    item.path("state").asText(),
                    item.path("builders").asText(),
                    Printing.size(item.path("size").asLong()),
                    Printing.ago(item.path("storedAt").asText()));
        }
        table.print();
        for (JsonNode item : answer.path("items")) {
            for (JsonNode warning : item.path("warnings")) {
                Printing.line("! %s: %s", Printing.brief(item.path("digest").asText()), warning.asText());
            }
        }
        if (answer.has("next")) {
            Printing.line("There are more: --after %s", answer.path("next").asText());
        }
        return 0;
    }

    private String filters() {
        Map<String, String> given = new LinkedHashMap<>();
        given.put("module", module);
        given.put("version", version);
        given.put("release", release);
        given.put("builder", builder);
        given.put("state", state);
        given.put("text", words.isEmpty() ? null : String.join(" ", words));
        given.put("after", after);
        StringBuilder query = new StringBuilder();
        given.forEach((name, value) -> {
            if (value != null) {
                query.append('&').append(name).append('=').append(FleetApi.escaped(value));
            }
        });
        return query.toString();
    }
}
