package io.kmodfleet.cli;

import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.GZIPOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The ledger itself. */
@Command(name = "ledger", description = "Export the ledger.")
final class LedgerCommand {

    @Command(
            name = "export",
            description = {
                "Write the ledger to a file, one entry a line (JSON Lines); compressed where its name ends in .gz.",
                "kmodfleet audit --file FILE proves it anywhere. An export that begins later than position 1 can be"
                        + " checked for gaps, repeats and its chain, but not decided again."
            },
            footer = {
                "",
                "Exit codes:",
                "  0  written, whole",
                "  1  failed; the message says why, and the file is as it was",
                "  2  wrong usage",
                "  3  coordinator not reached, or its answer broke off",
            })
    int export(
            @Mixin FleetApi api,
            @Mixin Printing print,
            @Parameters(paramLabel = "FILE", description = "Where to; replaced where it is there.") Path file,
            @Option(
                            names = "--from",
                            paramLabel = "POSITION",
                            defaultValue = "1",
                            description = "From there on (default: ${DEFAULT-VALUE}).")
                    long from,
            @Option(
                            names = "--to",
                            paramLabel = "POSITION",
                            defaultValue = "9223372036854775807",
                            description = "Up to there (default: the last).")
                    long to)
            throws IOException {
        if (from < 1 || to < from) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected a range like --from 1 --to 100, but got " + from + " to " + to + ".");
        }
        Path beside = Path.of(file + ".part");
        long entries = 0;
        try {
            entries = write(api, beside.toString().endsWith(".gz.part"), beside, from, to);
            Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
        if (print.isJson()) {
            print.json(FleetJson.mapper()
                    .createObjectNode()
                    .put("file", file.toString())
                    .put("entries", entries)
                    .put("from", from)
                    .put("to", from + entries - 1));
        } else {
            Printing.line(
                    "✔ %s entries are in %s. To prove them: kmodfleet audit --file %s",
                    Long.toString(entries), file.toString(), file.toString());
        }
        return 0;
    }

    /** Copies the very bytes, and looks only at how far they go. */
    private static long write(FleetApi api, boolean compressed, Path file, long from, long to) throws IOException {
        long limit = to == Long.MAX_VALUE ? 0 : to - from + 1;
        try (FleetApi.LedgerAnswer answer = api.ledger(from - 1, limit, compressed);
                InputStream bytes = answer.bytes();
                OutputStream out = compressed && !answer.compressed()
                        ? new GZIPOutputStream(Files.newOutputStream(file))
                        : Files.newOutputStream(file)) {
            bytes.transferTo(out);
            out.close();
            long entries = 0;
            long last = from - 1;
            try (LedgerLines.Reader lines = LedgerLines.open(file)) {
                while (lines.hasNext()) {
                    Line line = lines.next();
                    last = line instanceof Line.Read read ? read.entry().position() : last + 1;
                    entries++;
                    if (line instanceof Line.CutOff) {
                        throw LedgerFrom.brokeOff(last - 1, answer.upTo());
                    }
                }
            }
            if (last < answer.upTo()) {
                throw LedgerFrom.brokeOff(last, answer.upTo());
            }
            return entries;
        }
    }
}
