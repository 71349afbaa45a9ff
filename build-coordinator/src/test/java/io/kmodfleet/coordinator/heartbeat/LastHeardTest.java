package io.kmodfleet.coordinator.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Entry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class LastHeardTest {

    private static final Instant BEGIN = Instant.parse("2026-11-26T03:00:00Z");
    private static final HostId ONE = new HostId("%032x".formatted(1));
    private static final HostId OTHER = new HostId("%032x".formatted(2));
    private static final List<Device> DEVICES =
            List.of(new Device("/dev/sda1", "ext4", "/", 100, 40, Optional.of(true), "/dev/sda1"));

    private final LastHeard known = new LastHeard(Duration.ofMinutes(5), 3);

    @Test
    void a_host_of_which_nothing_is_heard_falls_silent_and_is_told_once() {
        beat(ONE, 0);
        beat(OTHER, 200);

        known.review(at(300));
        assertThat(known.takeChanged()).isEmpty();
        known.review(at(301));

        assertThat(known.silentSince(ONE)).hasValue(at(0));
        assertThat(known.silentSince(OTHER)).isEmpty();
        assertThat(known.takeChanged()).containsExactly(ONE);
        known.review(at(302));
        assertThat(known.takeChanged()).isEmpty();
    }

    @Test
    void when_it_speaks_again_it_is_not_silent_at_once() {
        beat(ONE, 0);
        known.review(at(301));
        known.takeChanged();

        beat(ONE, 400);

        assertThat(known.silentSince(ONE)).isEmpty();
        assertThat(known.takeChanged()).containsExactly(ONE);
    }

    @Test
    void an_observation_is_a_sign_of_life_too() {
        beat(ONE, 0);
        known.spoke(ONE, at(200), at(200));
        known.review(at(301));
        assertThat(known.silentSince(ONE)).isEmpty();

        known.review(at(501));
        assertThat(known.silentSince(ONE)).hasValue(at(200));
        known.spoke(ONE, at(600), at(600));
        assertThat(known.silentSince(ONE)).isEmpty();
    }

    @Test
    void a_host_that_never_sent_a_heartbeat_is_not_silent_however_long_it_says_nothing() {
        known.spoke(ONE, at(0), at(0));

        known.review(at(100_000));

        assertThat(known.silentSince(ONE)).isEmpty();
        assertThat(known.of(ONE)).isEmpty();
    }

    @Test
    void what_is_read_back_from_long_ago_wakes_nobody() {
        beat(ONE, 0);
        known.review(at(1_000));

        known.beat(heartbeat(ONE, Optional.empty()), at(100), at(1_001));

        assertThat(known.silentSince(ONE)).isPresent();
        assertThat(known.of(ONE).get().at()).isEqualTo(at(100));
    }

    @Test
    void an_older_heartbeat_that_comes_later_changes_nothing() {
        known.restore(ONE, at(500), "0.2.0", OptionalLong.empty(), 7);

        known.beat(heartbeat(ONE, Optional.empty()), at(400), at(501));

        assertThat(known.of(ONE)).hasValueSatisfying(entry -> {
            assertThat(entry.at()).isEqualTo(at(500));
            assertThat(entry.agentVersion()).isEqualTo("0.2.0");
            assertThat(entry.unsent()).isEqualTo(7);
        });
        assertThat(known.takeNew(10)).isEmpty();
    }

    @Test
    void what_changed_is_written_down_once_and_what_could_not_be_is_tried_again() {
        known.beat(heartbeat(ONE, Optional.of(DEVICES)), at(0), at(0));
        beat(OTHER, 0);

        List<Entry> taken = known.takeNew(10);
        assertThat(taken).hasSize(2);
        assertThat(known.takeNew(10)).isEmpty();
        known.notWritten(taken);
        assertThat(known.takeNew(10)).isEqualTo(taken);
        known.written(taken);

        assertThat(known.of(ONE).get().devices()).as("they are in the database").isEmpty();
    }

    @Test
    void devices_that_change_while_others_are_written_down_are_not_forgotten() {
        known.beat(heartbeat(ONE, Optional.of(DEVICES)), at(0), at(0));
        List<Entry> taken = known.takeNew(10);

        known.beat(heartbeat(ONE, Optional.of(List.of())), at(1), at(1));
        known.written(taken);

        assertThat(known.of(ONE).get().devices())
                .hasValueSatisfying(told -> assertThat(told.devices()).isEmpty());
        assertThat(known.takeNew(10)).hasSize(1);
    }

    @Test
    void more_hosts_than_there_is_room_for_are_refused_and_those_that_are_known_still_count() {
        for (int i = 1; i <= 3; i++) {
            assertThat(known.beat(heartbeat(new HostId("%032x".formatted(i)), Optional.empty()), at(0), at(0)))
                    .isTrue();
        }

        assertThat(known.beat(heartbeat(new HostId("f".repeat(32)), Optional.empty()), at(0), at(0)))
                .isFalse();
        assertThat(known.beat(heartbeat(ONE, Optional.empty()), at(1), at(1))).isTrue();
    }

    private void beat(HostId host, int second) {
        known.beat(heartbeat(host, Optional.empty()), at(second), at(second));
    }

    private static Heartbeat heartbeat(HostId host, Optional<List<Device>> devices) {
        return new Heartbeat(host, "0.1.0", OptionalLong.of(60), 0, devices);
    }

    private static Instant at(int second) {
        return BEGIN.plusSeconds(second);
    }
}
