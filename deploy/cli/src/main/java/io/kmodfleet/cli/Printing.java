package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Tables for people, JSON for programs. */
final class Printing {

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            defaultValue = "table",
            description = "table or json (default: ${DEFAULT-VALUE}).")
    private Output output;

    enum Output {
        table,
        json
    }

    boolean isJson() {
        return output == Output.json;
    }

    void json(JsonNode node) throws IOException {
        System.out.println(FleetJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(node));
    }

    /** Rows under a heading, each column as wide as its widest cell; what is empty is said. */
    static final class Table {
        private final List<String[]> rows = new ArrayList<>();
        private final String whenEmpty;

        Table(String whenEmpty, String... heading) {
            this.whenEmpty = whenEmpty;
            rows.add(heading);
        }

        void row(String... cells) {
            rows.add(Stream.of(cells).map(Printing::plain).toArray(String[]::new));
        }

        void print() {
            System.out.print(rows.size() == 1 ? whenEmpty + "\n" : text());
        }

        String text() {
            int columns = rows.get(0).length;
            int[] widths = new int[columns];
            for (String[] row : rows) {
                for (int i = 0; i < columns; i++) {
                    widths[i] = Math.max(widths[i], row[i].codePointCount(0, row[i].length()));
                }
            }
            StringBuilder text = new StringBuilder();
            for (String[] row : rows) {
                StringBuilder line = new StringBuilder();
                for (int i = 0; i < columns; i++) {
                    line.append(row[i]).append(" ".repeat(widths[i] - row[i].codePointCount(0, row[i].length()) + 2));
                }
                text.append(line.toString().stripTrailing()).append('\n');
            }
            return text.toString();
        }
    }

    /** What comes from hosts and uploads must not steer the terminal of whoever reads it. */
    static String plain(String text) {
        return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\x{80}-\\x{9f}]", "?");
    }

    static void line(String form, String... values) {
        System.out.println(
                form.formatted((Object[]) Stream.of(values).map(Printing::plain).toArray(String[]::new)));
    }

    /** The first twelve digits of an id. */
    static String shortened(String id) {
        return id.length() > 12 ? id.substring(0, 12) : id;
    }

    /** {@code sha256:} and 64 digits are for programs; twelve digits are for people. */
    static String brief(String digest) {
        return digest.startsWith("sha256:") && digest.length() > 19 ? digest.substring(7, 19) : digest;
    }

    static String ago(String instant) {
        Duration past;
        try {
            past = Duration.between(Instant.parse(instant), Instant.now());
        } catch (DateTimeException e) {
            return "–";
        }
        if (past.toSeconds() < 60) {
            return Math.max(0, past.toSeconds()) + " s ago";
        }
        if (past.toMinutes() < 60) {
            return past.toMinutes() + " min ago";
        }
        return past.toHours() < 48 ? past.toHours() + " h ago" : past.toDays() + " d ago";
    }

    static String size(long bytes) {
        return bytes < 1_000_000 ? (bytes + 999) / 1_000 + " kB" : bytes / 100_000 / 10.0 + " MB";
    }
}
