package io.kmodfleet.agent;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Rows under a heading, each column as wide as its widest cell. */
final class Table {

    private static final int GAP = 2;

    private final List<String[]> rows = new ArrayList<>();

    Table(String... heading) {
        rows.add(heading);
    }

    void row(String... cells) {
        rows.add(Stream.of(cells).map(Screen::plain).toArray(String[]::new));
    }

    List<String> lines() {
        int columns = rows.get(0).length;
        int[] widths = new int[columns];
        for (String[] row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row[i].codePointCount(0, row[i].length()));
            }
        }
        List<String> lines = new ArrayList<>();
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(row[i]).append(" ".repeat(widths[i] - row[i].codePointCount(0, row[i].length()) + GAP));
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }
}
