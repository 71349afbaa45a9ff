package io.kmodfleet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.cli.Printing.Table;
import org.junit.jupiter.api.Test;

class PrintingTest {

    @Test
    void columns_line_up_whatever_stands_in_them() {
        Table table = new Table("none", "HOST", "ANSWER");
        table.row("größe-1", "keep");
        table.row("b", "reject");

        assertThat(table.text()).isEqualTo("HOST     ANSWER\ngröße-1  keep\nb        reject\n");
    }

    @Test
    void digests_are_short_and_sizes_readable_for_people() {
        assertThat(Printing.brief("sha256:" + "ab".repeat(32))).isEqualTo("abababababab");
        assertThat(Printing.size(19_341)).isEqualTo("20 kB");
        assertThat(Printing.size(2_345_678)).isEqualTo("2.3 MB");
    }
}
