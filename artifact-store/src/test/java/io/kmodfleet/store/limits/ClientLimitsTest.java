package io.kmodfleet.store.limits;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ClientLimitsTest {

    private static final long SECOND = 1_000_000_000L;

    @Test
    void a_client_that_was_quiet_may_ask_for_a_few_seconds_worth_at_once_and_then_waits() {
        ClientLimits limits = new ClientLimits(10);

        for (int i = 0; i < 10 * Allowance.BURST_SECONDS; i++) {
            assertThat(limits.take("a", 0)).isEmpty();
        }

        assertThat(limits.take("a", 0)).contains(Duration.ofMillis(100));
    }

    @Test
    void whoever_waits_as_long_as_it_was_told_may_go_on() {
        ClientLimits limits = new ClientLimits(1);
        Optional<Duration> pause = Optional.empty();
        while (pause.isEmpty()) {
            pause = limits.take("a", 0);
        }

        assertThat(limits.take("a", pause.get().toNanos())).isEmpty();
    }

    @Test
    void over_time_a_client_gets_what_it_may_have_and_no_more() {
        ClientLimits limits = new ClientLimits(10);
        int allowed = 0;
        for (long now = 0; now < 100 * SECOND; now += SECOND / 1000) {
            allowed += limits.take("a", now).isEmpty() ? 1 : 0;
        }

        assertThat(allowed).isBetween(1_000, 1_000 + 10 * Allowance.BURST_SECONDS);
    }

    @Test
    void one_client_takes_nothing_from_another() {
        ClientLimits limits = new ClientLimits(1);
        while (limits.take("a", 0).isEmpty()) {
            continue;
        }

        assertThat(limits.take("b", 0)).isEmpty();
    }

    @Test
    void without_a_limit_nobody_waits() {
        ClientLimits limits = new ClientLimits(0);

        for (int i = 0; i < 100_000; i++) {
            assertThat(limits.take("a", 0)).isEmpty();
        }
    }
}
