package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The fleet at a glance. */
@Command(
        name = "fleet",
        description =
                "Show how the fleet stands: hosts by state, what holds them back and how long, kernels, what sharing saved.")
final class FleetCommand implements Callable<Integer> {

    private static final int KERNELS = 12;

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Option(
            names = "--at",
            paramLabel = "POSITION|INSTANT",
            description = "As it was after that position of the ledger, or at that instant.")
    private Optional<String> moment;

    @Override
    public Integer call() throws IOException {
        JsonNode fleet = api.atMoment("/api/v1/fleet", moment);
        if (printing.isJson()) {
            printing.json(fleet);
            return 0;
        }
        Printing.line(
                "%s %s, at position %s.",
                fleet.path("hosts").asText(),
                fleet.path("hosts").asInt() == 1 ? "host" : "hosts",
                fleet.path("position").asText());
        System.out.println();
        Table states = new Table("", "STATE", "HOSTS");
        for (Iterator<Map.Entry<String, JsonNode>> each = fleet.path("states").fields(); each.hasNext(); ) {
            Map.Entry<String, JsonNode> state = each.next();
            states.row(state.getKey(), state.getValue().asText());
        }
        states.print();
        held(fleet);
        counts("KERNEL", fleet.path("kernels"));
        saved(fleet.path("tally"), fleet.path("savedSeconds").asLong());
        return 0;
    }

    private static void held(JsonNode fleet) {
        if (fleet.path("longest").isEmpty()) {
            return;
        }
        System.out.println();
        Table spans = new Table("", "HELD BACK", "HOSTS");
        fleet.path("exposure")
                .forEach(span -> spans.row(
                        span.path("words").asText(), span.path("hosts").asText()));
        spans.print();
        System.out.println();
        Table longest = new Table("", "HELD LONGEST", "NAME", "STATE", "REASON", "BECAUSE");
        fleet.path("longest").forEach(host -> HostsCommand.row(longest, host));
        longest.print();
    }

    private static void counts(String what, JsonNode counts) {
        if (counts.isEmpty()) {
            return;
        }
        System.out.println();
        Table table = new Table("", what, "HOSTS");
        for (int i = 0; i < Math.min(KERNELS, counts.size()); i++) {
            table.row(
                    counts.get(i).path("value").asText(),
                    counts.get(i).path("hosts").asText());
        }
        table.print();
        if (counts.size() > KERNELS) {
            Printing.line("… and %s more; -o json has all.", Integer.toString(counts.size() - KERNELS));
        }
    }

    private static void saved(JsonNode tally, long seconds) {
        System.out.println();
        Duration saved = Duration.ofSeconds(seconds);
        Printing.line(
                "Builds: %s, and %s that failed. Reused: %s, which saved %s of compiling.",
                tally.path("builds").asText(),
                tally.path("failed").asText(),
                tally.path("reused").asText(),
                saved.toHours() > 0
                        ? saved.toHours() + " h " + saved.toMinutesPart() + " min"
                        : saved.toMinutes() > 0 ? saved.toMinutes() + " min" : saved.toSeconds() + " s");
    }
}
