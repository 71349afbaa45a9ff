package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.audit.AuditReport;
import io.kmodfleet.coordinator.audit.AuditRun;
import io.kmodfleet.coordinator.audit.Completeness;
import io.kmodfleet.coordinator.audit.Finding;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Proof. */
@Command(
        name = "audit",
        description = {
            "Decide a whole ledger again, here and by the rules of then, and name whatever does not fit.",
            "The entries are read from the coordinator's database, from a file, or from the ledger topic; the coordinator's"
                    + " own judgement is not asked for."
        },
        subcommands = AuditStateCommand.class,
        footer = {
            "",
            "Exit codes:",
            "  0  nothing is wrong",
            "  1  failed; the message says why",
            "  2  wrong usage",
            "  3  coordinator or broker not reached",
            "  4  something is wrong, and named; or the file or topic is not there"
        })
final class AuditCommand implements Callable<Integer> {

    static final int WRONG = 4;

    private static final int SHOWN = 20;

    @Mixin
    private LedgerFrom ledger;

    @Mixin
    private Printing printing;

    @Option(
            names = "--from",
            paramLabel = "POSITION",
            defaultValue = "1",
            description = "Audit from there on; what is before is folded only (default: ${DEFAULT-VALUE}).")
    private long from;

    @Option(
            names = "--to",
            paramLabel = "POSITION",
            defaultValue = "9223372036854775807",
            description = "Audit up to there (default: the last).")
    private long to;

    @Option(
            names = "--completeness",
            description =
                    "Hold the ledger against the observations topic too: each observation in it once, and as published.")
    private boolean completeness;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "" + SHOWN,
            description = "Show at most so many findings (default: ${DEFAULT-VALUE}); all are counted.")
    private int limit;

    @Override
    public Integer call() throws IOException {
        if (from < 1 || to < from) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected a range like --from 1 --to 100, but got " + from + " to " + to + ".");
        }
        AuditRun run = new AuditRun(ledger.delivery(), from, to);
        Optional<Completeness> compared = completeness ? Optional.of(new Completeness()) : Optional.empty();
        ledger.each(line -> {
            boolean more = run.next(line);
            if (more && line instanceof Line.Read read) {
                compared.ifPresent(known -> known.taken(read.entry()));
            }
            return more;
        });
        if (compared.isPresent()) {
            try (Topic observations = Topic.open(ledger.kafka(), Topics.OBSERVATIONS)) {
                observations.compareWith(compared.get());
            }
        }
        AuditReport report = run.report(compared);
        if (printing.isJson()) {
            JsonNode json = FleetJson.mapper().valueToTree(report);
            printing.json(json);
        } else {
            print(report);
        }
        return report.wrong() == 0 ? 0 : WRONG;
    }

    private void print(AuditReport report) {
        if (report.entries() == 0) {
            Printing.line("There is no entry in that range of %s.", ledger.name());
        } else {
            Printing.line(
                    "Positions %s to %s of %s: entries %s, decisions %s, taken from %s to %s.",
                    text(report.first()),
                    text(report.last()),
                    ledger.name(),
                    Long.toString(report.entries()),
                    Long.toString(report.decisions()),
                    text(report.takenFirst()),
                    text(report.takenLast()));
            Printing.line(
                    "Decided again: %s (%s).%s",
                    Long.toString(report.decidedAgain()),
                    rules(report.rules()),
                    report.repeats() == 0
                            ? ""
                            : " " + report.repeats() + " came more than once, with the same content.");
        }
        report.completeness().ifPresent(AuditCommand::print);
        List<Finding> wrong =
                report.findings().stream().filter(Finding::isWrong).toList();
        List<Finding> others =
                report.findings().stream().filter(finding -> !finding.isWrong()).toList();
        table("Wrong:", wrong);
        table("Named, and not wrong by itself:", others);
        long all = report.counts().values().stream().mapToLong(Long::longValue).sum();
        if (all > Math.min(wrong.size(), limit) + Math.min(others.size(), limit)) {
            Printing.line("\nAll of them: %s.", counts(report.counts()));
        }
        System.out.println();
        report.chain().ifPresent(link -> Printing.line("Chain at the end: %s", link.toString()));
        report.state().ifPresent(digest -> Printing.line("State at the end: %s", digest.toString()));
        System.out.println(
                report.wrong() == 0
                        ? "✔ Nothing is wrong."
                        : "✘ " + report.wrong() + (report.wrong() == 1 ? " thing is wrong." : " things are wrong."));
    }

    private static void print(Completeness.Sum sum) {
        Printing.line(
                "Records on the topic %s: %s; in the ledger %s, repeats %s, not taken yet %s, waiting for one before %s, left out"
                        + " %s, dead letters %s. Entries older than what the topic keeps: %s.",
                Topics.OBSERVATIONS,
                Long.toString(sum.records()),
                Long.toString(sum.inLedger()),
                Long.toString(sum.repeats()),
                Long.toString(sum.notYet()),
                Long.toString(sum.waiting()),
                Long.toString(sum.leftOut()),
                Long.toString(sum.deadLetters()),
                Long.toString(sum.older()));
    }

    private void table(String heading, List<Finding> findings) {
        if (findings.isEmpty()) {
            return;
        }
        System.out.println("\n" + heading);
        Table table = new Table("", "WHERE", "FINDING");
        findings.stream().limit(limit).forEach(finding -> table.row(finding.where(), finding.text()));
        table.print();
        if (findings.size() > limit) {
            Printing.line("… and more; --limit shows them.");
        }
    }

    private static String rules(Map<Integer, Long> rules) {
        return rules.entrySet().stream()
                .map(version -> "rules " + version.getKey() + ": " + version.getValue())
                .collect(Collectors.joining(", "));
    }

    private static String counts(Map<String, Long> counts) {
        return counts.entrySet().stream()
                .map(kind -> kind.getValue() + " " + kind.getKey())
                .collect(Collectors.joining(", "));
    }

    private static String text(Optional<?> value) {
        return value.map(String::valueOf).orElse("–");
    }
}
