package io.kmodfleet.coordinator.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ListeningTest {

    private static final Instant BEGIN = Instant.parse("2026-11-26T03:00:00Z");
    private static final Duration SILENT_AFTER = Duration.ofMinutes(5);

    private final Listening listening = new Listening(SILENT_AFTER, Duration.ofSeconds(20), BEGIN);

    @Test
    void whoever_has_just_started_and_read_nothing_back_listens_first_for_as_long_as_silence_takes() {
        listening.caughtUp(at(1));

        assertThat(answersUntil(299)).isFalse();
        assertThat(answersUntil(301)).isTrue();
    }

    @Test
    void whoever_reads_back_that_somebody_spoke_all_the_time_needs_not_wait() {
        for (int second = -295; second < 0; second += 60) {
            listening.heard(at(second));
        }
        assertThat(listening.isLongEnough(at(1))).as("not everything is read").isFalse();

        listening.caughtUp(at(1));

        assertThat(listening.isLongEnough(at(1))).isTrue();
    }

    @Test
    void a_topic_on_which_nobody_spoke_for_a_while_may_have_been_away() {
        listening.heard(at(-290));
        listening.heard(at(-230));
        listening.heard(at(-50));
        listening.heard(at(-1));
        listening.caughtUp(at(1));

        assertThat(listening.isLongEnough(at(2))).isFalse();
    }

    @Test
    void what_was_heard_long_ago_or_comes_now_says_nothing_of_the_time_before_the_start() {
        for (int second = -900; second < -300; second++) {
            listening.heard(at(second));
        }
        listening.heard(at(1));
        listening.caughtUp(at(1));

        assertThat(listening.isLongEnough(at(2))).isFalse();
    }

    @Test
    void after_a_broker_that_was_away_the_time_counts_anew() {
        listening.caughtUp(at(0));
        assertThat(answersUntil(400)).isTrue();

        listening.lost();
        assertThat(listening.isLongEnough(at(401))).isFalse();
        listening.answered(at(460));

        assertThat(listening.isLongEnough(at(461))).isFalse();
        for (int second = 461; second <= 760; second++) {
            listening.answered(at(second));
        }
        assertThat(listening.isLongEnough(at(760))).isTrue();
    }

    @Test
    void after_a_machine_that_slept_the_time_counts_anew() {
        listening.caughtUp(at(0));
        assertThat(answersUntil(400)).isTrue();

        assertThat(listening.isLongEnough(at(4_000)))
                .as("before anything is asked")
                .isFalse();
        listening.answered(at(4_001));

        assertThat(listening.isLongEnough(at(4_002))).isFalse();
    }

    private boolean answersUntil(int second) {
        for (int i = 1; i <= second; i++) {
            listening.answered(at(i));
        }
        return listening.isLongEnough(at(second));
    }

    private static Instant at(int second) {
        return BEGIN.plusSeconds(second);
    }
}
