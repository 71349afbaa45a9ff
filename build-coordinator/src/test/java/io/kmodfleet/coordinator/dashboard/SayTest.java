package io.kmodfleet.coordinator.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class SayTest {

    private static final String THIN = "\u2009";

    @Test
    void thousands_are_set_apart() {
        assertThat(Say.number(1_234_567)).isEqualTo("1" + THIN + "234" + THIN + "567");
        assertThat(Say.number(999)).isEqualTo("999");
    }

    @Test
    void only_all_is_a_hundred_per_cent_and_only_none_is_none() {
        assertThat(Say.percent(9_999, 10_000)).isEqualTo(">99" + THIN + "%");
        assertThat(Say.percent(1, 10_000)).isEqualTo("<1" + THIN + "%");
        assertThat(Say.percent(10_000, 10_000)).isEqualTo("100" + THIN + "%");
        assertThat(Say.percent(0, 10_000)).isEqualTo("0" + THIN + "%");
        assertThat(Say.percent(0, 0)).isEqualTo("–");
    }

    @Test
    void sizes_are_said_in_the_largest_unit_of_which_there_is_one() {
        assertThat(Say.bytes(0)).isEqualTo("0" + THIN + "B");
        assertThat(Say.bytes(1_023)).isEqualTo("1023" + THIN + "B");
        assertThat(Say.bytes(1_024)).isEqualTo("1.00" + THIN + "KiB");
        assertThat(Say.bytes(53_687_091_200L)).isEqualTo("50.0" + THIN + "GiB");
        assertThat(Say.bytes(Long.MAX_VALUE)).isEqualTo("8.00" + THIN + "EiB");
        assertThat(Say.percent(1L, Long.MAX_VALUE)).isEqualTo("<1" + THIN + "%");
        assertThat(Say.percent(Long.MAX_VALUE - 1_000_000, Long.MAX_VALUE)).isEqualTo(">99" + THIN + "%");
        assertThat(Say.percent(Long.MAX_VALUE, Long.MAX_VALUE)).isEqualTo("100" + THIN + "%");
        assertThat(Say.percent(0L, 0L)).isEqualTo("–");
    }

    @Test
    void times_are_said_in_the_two_largest_units() {
        Instant now = Instant.parse("2026-11-26T12:00:00Z");
        assertThat(Say.ago(now.minusSeconds(1), now)).isEqualTo("now");
        assertThat(Say.ago(now.minus(Duration.ofMinutes(90)), now)).isEqualTo("1" + THIN + "h 30" + THIN + "min ago");
        assertThat(Say.ago(now.minus(Duration.ofHours(50)), now)).isEqualTo("2" + THIN + "d 2" + THIN + "h ago");
        assertThat(Say.ago(now.plusSeconds(30), now)).isEqualTo("in 30" + THIN + "s");
        assertThat(Say.exact(now)).isEqualTo("2026-11-26 12:00:00 UTC");
    }

    @Test
    void control_characters_are_shown_and_what_turns_text_around_is_taken_out() {
        assertThat(Say.plain("a\u001b[31mb\u202ec\nd")).isEqualTo("a\u241b[31mb\ufffdc\nd");
    }
}
