package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.BuildProgress.Stage;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScreenTest {

    @Test
    void nothing_is_coloured_where_somebody_forbids_it_or_nobody_can_see_it() {
        assertThat(Screen.wantsColours(Map.of("TERM", "xterm-256color"))).isTrue();
        assertThat(Screen.wantsColours(Map.of("TERM", "xterm-256color", "NO_COLOR", "1")))
                .isFalse();
        assertThat(Screen.wantsColours(Map.of("TERM", "xterm", "NO_COLOR", ""))).isTrue();
        assertThat(Screen.wantsColours(Map.of("TERM", "dumb"))).isFalse();
        assertThat(Screen.wantsColours(Map.of())).isFalse();
    }

    @Test
    void what_comes_from_elsewhere_does_not_steer_a_terminal() {
        assertThat(Screen.plain("a\033[2Jb\nc\u202ed\u009be")).isEqualTo("a?[2Jb?c?d?e");
    }

    @Test
    void long_lines_go_on_below_themselves_and_a_long_word_stays_whole() {
        assertThat(Screen.wrapped("one two three four", 9)).containsExactly("one two", "three", "four");
        assertThat(Screen.wrapped("a /very/long/path/indeed b", 9)).containsExactly("a", "/very/long/path/indeed", "b");
    }

    @Test
    void a_build_goes_on_by_the_stages_of_its_log_and_never_back() {
        Stage stage = Stage.TOOLCHAIN.after("==> dkms add");
        assertThat(stage).isEqualTo(Stage.ADD);
        stage = stage.after("==> dkms build");
        assertThat(stage.after("make -j2 KERNELRELEASE=6.8.0 all......")).isEqualTo(Stage.BUILD);
        stage = stage.after("  LD [M]  toy.ko");
        assertThat(stage).isEqualTo(Stage.LINK);
        assertThat(stage.after("==> dkms add")).isEqualTo(Stage.LINK);
        assertThat(stage.after("==> check")).isEqualTo(Stage.CHECK);
        assertThat(stage.after("==> toolchain")).as("another build").isEqualTo(Stage.TOOLCHAIN);
        assertThat(Stage.BUILD.bar(12)).isEqualTo("[########················] compiling, 12 s");
    }

    @Test
    void sizes_are_said_as_df_says_them() {
        assertThat(StatusCommand.size(0)).isEqualTo("0B");
        assertThat(StatusCommand.size(1_717_986_918L)).isEqualTo("1.6G");
        assertThat(StatusCommand.size(17_179_869_184L)).isEqualTo("16G");
        assertThat(StatusCommand.ago(Duration.ofMinutes(125))).isEqualTo("2 h ago");
    }

    @Test
    void a_table_is_as_wide_as_its_widest_cells() {
        Table table = new Table("A", "LONG");
        table.row("wide cell", "x");

        assertThat(table.lines()).containsExactly("A          LONG", "wide cell  x");
    }
}
