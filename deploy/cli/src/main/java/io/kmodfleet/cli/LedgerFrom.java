package io.kmodfleet.cli;

import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.audit.AuditRun.Delivery;
import io.kmodfleet.coordinator.audit.ReadAhead;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where a ledger is read from: the coordinator's database, a file, or the ledger topic. */
final class LedgerFrom {

    @Mixin
    private FleetApi api;

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "Read an exported ledger (JSON Lines, plain or gzip) instead of asking the coordinator.")
    private Optional<Path> file;

    @Option(names = "--topic", description = "Read the ledger topic instead of asking the coordinator.")
    private boolean topic;

    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:KMODFLEET_KAFKA:-127.0.0.1:7072}",
            description = "The broker, where a topic is read; KMODFLEET_KAFKA (default: 127.0.0.1:7072).")
    private String kafka;

    FleetApi api() {
        return api;
    }

    String kafka() {
        return kafka;
    }

    Delivery delivery() {
        return topic ? Delivery.AT_LEAST_ONCE : Delivery.ONCE;
    }

    /** Whether it is not the coordinator that is asked. */
    boolean isElsewhere() {
        return file.isPresent() || topic;
    }

    String name() {
        return file.map(Path::toString)
                .orElse(topic ? "the topic " + Topics.LEDGER : "the coordinator at " + api.coordinator());
    }

    /** Hands every entry on until {@code next} wants no more; they are read in a thread of their own meanwhile. */
    void each(Predicate<Line> next) throws IOException {
        if (file.isPresent() && topic) {
            throw new Trouble(KmodfleetCommand.WRONG_USAGE, "Expected either --file or --topic, but got both.");
        }
        if (file.isPresent()) {
            eachOf(file.get(), next);
        } else if (topic) {
            try (Topic read = Topic.open(kafka, Topics.LEDGER)) {
                ReadAhead.each(read.entries(), next);
            }
        } else {
            eachOfCoordinator(next);
        }
    }

    private static void eachOf(Path file, Predicate<Line> next) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Trouble(KmodfleetCommand.NOT_FOUND, "Expected an exported ledger, but there is no " + file + ".");
        }
        try (LedgerLines.Reader lines = LedgerLines.open(file)) {
            ReadAhead.each(lines, next);
        }
    }

    private void eachOfCoordinator(Predicate<Line> next) throws IOException {
        long[] last = {0};
        boolean[] enough = {false};
        try (FleetApi.LedgerAnswer answer = api.ledger(0, 0, !api.isLocal());
                LedgerLines.Reader lines = LedgerLines.read(answer.bytes())) {
            ReadAhead.each(lines, line -> {
                if (line instanceof Line.CutOff) {
                    return false;
                }
                last[0] = line instanceof Line.Read read ? read.entry().position() : last[0] + 1;
                enough[0] = !next.test(line);
                return !enough[0];
            });
            if (!enough[0] && last[0] < answer.upTo()) {
                throw brokeOff(last[0], answer.upTo());
            }
        }
    }

    static Trouble brokeOff(long position, long upTo) {
        return new Trouble(
                KmodfleetCommand.NOT_REACHED,
                "Expected the ledger up to position " + upTo + " from the coordinator, but its answer ends at position "
                        + position + ". Its log may say why; try again.");
    }
}
