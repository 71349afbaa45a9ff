package io.kmodfleet.coordinator.intake;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.coordinator.decision.Deadline;
import io.kmodfleet.coordinator.decision.FleetState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TickerTest {

    private static final Duration DAY = Duration.ofDays(1);

    private final FleetState building = Observed.withABuildUnderWay();
    private final Deadline overdue = building.nextDeadline().orElseThrow();
    private final Instant set = overdue.at().minus(overdue.after());
    private final Ticker ticker = new Ticker();

    @Test
    void a_deadline_strikes_when_its_time_is_over_and_not_before() {
        assertThat(tick(set, Duration.ZERO)).isEmpty();
        assertThat(tick(overdue.at().minusSeconds(1), overdue.after().minusSeconds(1)))
                .isEmpty();
        Optional<Envelope> struck = tick(overdue.at(), overdue.after());

        assertThat(struck.map(Envelope::observation)).contains(overdue.observation());
        assertThat(struck.map(Envelope::source)).contains(Envelope.TICKER);
    }

    @Test
    void a_clock_that_jumps_ahead_by_a_day_strikes_nothing_that_is_waited_for() {
        tick(set, Duration.ZERO);

        assertThat(tick(set.plus(DAY), Duration.ofSeconds(1))).isEmpty();
    }

    @Test
    void a_clock_that_jumps_back_by_a_day_stops_nothing() {
        tick(set, Duration.ZERO);

        assertThat(tick(set.minus(DAY), overdue.after())).isPresent();
    }

    @Test
    void a_deadline_first_seen_by_a_clock_that_is_a_day_behind_waits_no_longer_than_it_was_set_to() {
        tick(set.minus(DAY), Duration.ZERO);

        assertThat(tick(set.minus(DAY), overdue.after())).isPresent();
    }

    @Test
    void a_deadline_that_passed_while_nobody_was_there_strikes_at_once() {
        assertThat(tick(overdue.at().plus(DAY), Duration.ZERO)).isPresent();
    }

    @Test
    void what_was_struck_is_struck_again_only_after_a_while_and_with_the_next_number() {
        Envelope first = tick(overdue.at(), Duration.ZERO).orElseThrow();

        assertThat(tick(overdue.at(), Duration.ofSeconds(1))).isEmpty();
        Envelope again = tick(overdue.at(), Duration.ofMinutes(1)).orElseThrow();
        assertThat(again.epoch()).isEqualTo(first.epoch());
        assertThat(again.sequence()).isEqualTo(first.sequence() + 1);
    }

    @Test
    void a_ticker_of_another_life_never_uses_a_number_again() {
        Envelope first = tick(overdue.at(), Duration.ZERO).orElseThrow();
        FleetState after = Observed.take(building, first);
        FleetState building = Observed.withAnotherBuildUnderWay(after);

        Envelope next = new Ticker()
                .tick(building, building.nextDeadline().orElseThrow().at(), 0)
                .get(0);
        assertThat(next.epoch()).isGreaterThan(first.epoch());
    }

    @Test
    void a_deadline_set_while_the_clock_was_a_day_ahead_waits_no_longer_than_it_was_set_to() {
        FleetState both = Observed.take(building, Observed.report("b", 1, "two"), set.plus(DAY));
        assertThat(both.deadlines()).hasSize(2);
        ticker.tick(both, set, 0);

        List<Envelope> struck =
                ticker.tick(both, set.plus(overdue.after()), overdue.after().toNanos());

        assertThat(struck)
                .extracting(Envelope::observation)
                .containsExactlyElementsOf(
                        both.deadlines().stream().map(Deadline::observation).toList());
        assertThat(struck).extracting(Envelope::sequence).containsExactly(1L, 2L);
    }

    private Optional<Envelope> tick(Instant wall, Duration monotonic) {
        return ticker.tick(building, wall, monotonic.toNanos()).stream().findFirst();
    }
}
