package io.kmodfleet.coordinator.audit;

import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Histories that were recorded when their rules were written, and the ways in which they can be spoiled. */
final class Histories {

    private static final Path RECORDED = Path.of("src/test/resources/histories");

    private Histories() {}

    static List<Path> all() throws IOException {
        try (Stream<Path> files = Files.walk(RECORDED)) {
            return files.filter(file -> file.toString().endsWith(".jsonl"))
                    .sorted()
                    .toList();
        }
    }

    static List<LedgerEntry> read(String name) throws IOException {
        List<LedgerEntry> entries = new ArrayList<>();
        for (Line line : lines(RECORDED.resolve(name))) {
            entries.add(((Line.Read) line).entry());
        }
        return entries;
    }

    static List<Line> lines(Path file) throws IOException {
        List<Line> lines = new ArrayList<>();
        try (LedgerLines.Reader reader = LedgerLines.open(file)) {
            reader.forEachRemaining(lines::add);
        }
        return lines;
    }

    static List<Line> lines(List<LedgerEntry> entries) {
        List<Line> lines = new ArrayList<>();
        for (LedgerEntry entry : entries) {
            lines.add(new Line.Read(lines.size() + 1, entry, Optional.empty()));
        }
        return lines;
    }

    static AuditReport audit(List<Line> lines) {
        return audit(lines, AuditRun.Delivery.ONCE);
    }

    static AuditReport audit(List<Line> lines, AuditRun.Delivery delivery) {
        AuditRun run = new AuditRun(delivery, 1, Long.MAX_VALUE);
        ReadAhead.each(lines.iterator(), run::next);
        return run.report();
    }
}
