package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The fleet. */
@Command(
        name = "hosts",
        description = {
            "Show the hosts, their kernels, and the answer that stands for each.",
            "Filters are those of the page; with one, each host is one line, the worst first."
        })
final class HostsCommand implements Callable<Integer> {

    @Mixin
    private LedgerFrom ledger;

    @Mixin
    private Printing printing;

    @Option(
            names = "--at",
            paramLabel = "POSITION|INSTANT",
            description = "As they were after that position of the ledger, or at that instant.")
    private Optional<String> moment;

    @Mixin
    private HostFilter filter;

    @Override
    public Integer call() throws IOException {
        if (!filter.isAll()) {
            return lines();
        }
        JsonNode answer = moment.isPresent() || ledger.isElsewhere()
                ? StateView.at(ledger, moment.orElse("")).hosts()
                : ledger.api().wholeList("/api/v1/hosts?limit=1000");
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table = new Table(
                "No host has reported yet.",
                "HOST",
                "NAME",
                "SYSTEM",
                "KERNEL",
                "MODULE",
                "ANSWER",
                "REASON",
                "REBOOT",
                "REPORTED");
        for (JsonNode host : answer.path("items")) {
            for (JsonNode kernel : host.path("kernels")) {
                rows(
                        table,
                        host,
                        kernel.path("release").asText(),
                        kernel.path("running").asBoolean());
            }
            if (host.path("kernels").isEmpty()) {
                row(table, host, "none", null);
            }
        }
        table.print();
        return 0;
    }

    /** Those that fit, one on a line, the worst first. */
    private int lines() throws IOException {
        JsonNode answer = ledger.isElsewhere()
                ? StateView.at(ledger, moment.orElse("")).lines(filter.filter())
                : ledger.api().wholeList("/api/v1/fleet/hosts?limit=1000" + filter.query(), moment);
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        Table table = new Table("No host fits.", "HOST", "NAME", "SYSTEM", "KERNEL", "STATE", "REASON", "BECAUSE");
        for (JsonNode host : answer.path("items")) {
            table.row(
                    Printing.shortened(host.path("host").asText()),
                    host.path("hostname").asText(),
                    host.path("os").asText(),
                    host.path("kernel").asText(),
                    stateOf(host),
                    host.path("reason").asText("–"),
                    host.path("because").asText());
        }
        table.print();
        return 0;
    }

    /** One line of the board. */
    static void row(Table table, JsonNode host) {
        table.row(
                Printing.shortened(host.path("host").asText()),
                host.path("hostname").asText(),
                stateOf(host),
                host.path("reason").asText("–"),
                host.path("because").asText());
    }

    private static String stateOf(JsonNode host) {
        return host.path("safety").asText().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static void rows(Table table, JsonNode host, String release, boolean running) {
        boolean told = false;
        for (JsonNode decision : host.path("decisions")) {
            if (decision.path("release").asText().equals(release)) {
                row(table, host, release + (running ? " *" : ""), decision);
                told = true;
            }
        }
        if (!told) {
            row(table, host, release + (running ? " *" : ""), null);
        }
    }

    private static void row(Table table, JsonNode host, String kernel, JsonNode decision) {
        table.row(
                Printing.shortened(host.path("host").asText()),
                host.path("hostname").asText()
                        + (host.path("observeOnly").asBoolean() ? " (observed)" : "")
                        + (host.has("silentSince")
                                ? " (silent, last heard of "
                                        + Printing.ago(host.path("silentSince").asText()) + ")"
                                : ""),
                host.path("os").asText(),
                kernel,
                decision == null ? "–" : decision.path("module").asText(),
                decision == null ? "–" : decision.path("decision").asText(),
                decision == null ? "no module wanted" : decision.path("reason").asText(),
                switch (host.path("reboot").path("answer").asText()) {
                    case "SAFE" -> "safe";
                    case "NOT_SAFE" -> "not safe";
                    default -> "unknown";
                },
                Printing.ago(host.path("reportedAt").asText()));
    }
}
