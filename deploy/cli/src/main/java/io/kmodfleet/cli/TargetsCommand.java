package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is built. */
@Command(
        name = "targets",
        description =
                "Show every build target: one module source for one kernel image, its builds, its packages and who waits.")
final class TargetsCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Option(
            names = "--at",
            paramLabel = "POSITION|INSTANT",
            description = "As they were after that position of the ledger, or at that instant.")
    private Optional<String> moment;

    @Option(names = "--kernel", paramLabel = "RELEASE", description = "Only those for this kernel release.")
    private Optional<String> kernel;

    @Option(names = "--module", paramLabel = "MODULE", description = "Only those of this module.")
    private Optional<String> module;

    @Option(names = "--matrix", description = "Kernels down, modules across.")
    private boolean matrix;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.wholeList("/api/v1/targets?limit=1000", moment);
        List<JsonNode> targets = new ArrayList<>();
        for (JsonNode target : answer.path("items")) {
            if (fits(kernel, target.path("target").path("release")) && fits(module, target.path("module"))) {
                targets.add(target);
            }
        }
        if (printing.isJson()) {
            printing.json(FleetApi.list(targets));
        } else if (matrix) {
            matrix(targets);
        } else {
            list(targets);
        }
        return 0;
    }

    private static boolean fits(Optional<String> wanted, JsonNode value) {
        return wanted.map(value.asText()::equals).orElse(true);
    }

    private static void list(List<JsonNode> targets) {
        Table table = new Table(
                "Nothing is known of any build target yet.",
                "KERNEL",
                "IMAGE",
                "MODULE",
                "STATE",
                "HOSTS",
                "WAITING",
                "FAILED",
                "PACKAGE");
        for (JsonNode target : targets) {
            table.row(
                    target.path("target").path("release").asText(),
                    Printing.brief(target.path("target").path("image").asText()),
                    moduleOf(target),
                    target.path("state").asText(),
                    target.path("hosts").asText(),
                    target.path("waiting").asText(),
                    Integer.toString(target.path("failures").size()),
                    packageOf(target));
        }
        table.print();
    }

    private static void matrix(List<JsonNode> targets) {
        Set<String> modules = new LinkedHashSet<>();
        Map<List<String>, Map<String, String>> kernels = new LinkedHashMap<>();
        for (JsonNode target : targets) {
            modules.add(moduleOf(target));
            kernels.computeIfAbsent(
                            List.of(
                                    target.path("target").path("release").asText(),
                                    Printing.brief(
                                            target.path("target").path("image").asText())),
                            any -> new LinkedHashMap<>())
                    .put(moduleOf(target), target.path("state").asText());
        }
        List<String> heading = new ArrayList<>(List.of("KERNEL", "IMAGE"));
        heading.addAll(modules);
        Table table = new Table("Nothing is known of any build target yet.", heading.toArray(String[]::new));
        kernels.forEach((kernel, states) -> {
            List<String> row = new ArrayList<>(kernel);
            modules.forEach(module -> row.add(states.getOrDefault(module, "–")));
            table.row(row.toArray(String[]::new));
        });
        table.print();
    }

    private static String moduleOf(JsonNode target) {
        String module = target.path("module").asText();
        return module.isEmpty()
                ? Printing.brief(target.path("target").path("source").asText())
                : module + " " + target.path("moduleVersion").asText();
    }

    private static String packageOf(JsonNode target) {
        return Printing.brief(best(target).path("digest").asText("–"));
    }

    private static JsonNode best(JsonNode target) {
        JsonNode best = target.path("none");
        int rank = -1;
        for (JsonNode known : target.path("packages")) {
            int its = known.hasNonNull("recalled") ? 0 : known.path("proven").asBoolean() ? 2 : 1;
            if (its > rank) {
                rank = its;
                best = known;
            }
        }
        return best;
    }
}
