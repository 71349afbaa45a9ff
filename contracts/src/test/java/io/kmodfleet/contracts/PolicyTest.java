package io.kmodfleet.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Policy.Window;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PolicyTest {

    // A Tuesday.
    private static final Instant MIDNIGHT = Instant.parse("2026-11-24T00:00:00Z");

    @Test
    void a_window_that_passes_midnight_belongs_to_the_day_on_which_it_opens() {
        Window window = new Window("nights", List.of(DayOfWeek.MONDAY), "22:00", "04:00", Optional.empty());

        assertThat(window.isOpen(MIDNIGHT.minusSeconds(3 * 3600))).isFalse();
        assertThat(window.isOpen(MIDNIGHT.minusSeconds(2 * 3600))).isTrue();
        assertThat(window.isOpen(MIDNIGHT.plusSeconds(4 * 3600 - 1))).isTrue();
        assertThat(window.isOpen(MIDNIGHT.plusSeconds(4 * 3600))).isFalse();
        assertThat(window.isOpen(MIDNIGHT.plus(Duration.ofDays(1)))).isFalse();
    }

    @Test
    void a_window_opens_next_on_its_next_day_at_its_offset() {
        Window window = new Window("nights", List.of(DayOfWeek.MONDAY), "22:00", "04:00", Optional.of("+02:00"));

        assertThat(window.nextOpening(MIDNIGHT)).isEqualTo(Instant.parse("2026-11-30T20:00:00Z"));
        assertThat(window.nextOpening(Instant.parse("2026-11-30T20:00:00Z")))
                .isEqualTo(Instant.parse("2026-12-07T20:00:00Z"));
    }

    @Test
    void a_daily_window_from_an_hour_to_the_same_hour_is_always_open() {
        Window window = new Window("always", List.of(), "06:30", "06:30", Optional.empty());

        for (int minute = 0; minute < 24 * 60; minute++) {
            assertThat(window.isOpen(MIDNIGHT.plusSeconds(60L * minute))).isTrue();
        }
    }

    @Test
    void pauses_double_and_end_at_a_day() {
        Policy.Limits limits = Policy.Limits.ofFailures(2);

        assertThat(limits.pauseAfter(1)).isEqualTo(Duration.ofMinutes(5));
        assertThat(limits.pauseAfter(3)).isEqualTo(Duration.ofMinutes(20));
        assertThat(limits.pauseAfter(1_000_000)).isEqualTo(Duration.ofDays(1));
    }

    @Test
    void the_last_group_that_says_something_about_a_thing_is_right() {
        HostReport host = Samples.wholeReport();

        assertThat(Samples.WHOLE_POLICY.modules(host))
                .extracting(Policy.WantedModule::name)
                .containsExactly("v4l2loopback");
        assertThat(Samples.WHOLE_POLICY.mayBuild(host)).isFalse();
        assertThat(Samples.WHOLE_POLICY.mayChange(host)).isTrue();
        assertThat(Samples.WHOLE_POLICY.windowOf(host)).map(Window::name).contains("nights");
        assertThat(Samples.WHOLE_POLICY.modules(Samples.report()))
                .extracting(Policy.WantedModule::name)
                .containsExactly("dattobd");
    }

    @Test
    void compilers_are_told_apart_by_family_and_major_version() {
        assertThat(new Compiler("gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0").major())
                .isEqualTo("gcc 12");
        assertThat(new Compiler("gcc (Ubuntu 13.2.0-23ubuntu4) 13.2.0").major()).isEqualTo("gcc 13");
        assertThat(new Compiler("x86_64-linux-gnu-gcc-11 (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0").major())
                .isEqualTo("gcc 11");
        assertThat(new Compiler("gcc (GCC) 8.5.0 20210514 (Red Hat 8.5.0-18)").major())
                .isEqualTo("gcc 8");
        assertThat(new Compiler("Debian clang version 14.0.6").major()).isEqualTo("clang 14");
        assertThat(new Compiler("something else").major()).isEqualTo("something else");
    }
}
