package io.kmodfleet.coordinator.board;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.coordinator.board.Moments.Moment;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MomentsTest {

    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    @Test
    void a_year_is_kept_in_some_hundreds_and_the_last_hour_finely() {
        Moments moments = new Moments();
        int gone = 0;
        int added = 0;
        for (int i = 0; i < 365 * 24; i++) {
            gone += moments.add(at(i, Duration.ofHours(i))).size();
            added++;
        }
        for (int i = 0; i < 240; i++) {
            gone += moments.add(at(10_000 + i, Duration.ofHours(365 * 24).plusSeconds(15L * i)))
                    .size();
            added++;
        }

        List<Moment> kept = moments.all();
        assertThat(kept).hasSize(added - gone).hasSizeBetween(200, 900);
        assertThat(kept.get(0).at()).isEqualTo(BEGIN);
        Instant last = kept.get(kept.size() - 1).at();
        assertThat(kept.stream().filter(one -> Duration.between(one.at(), last).toHours() < 1))
                .hasSizeGreaterThan(20);
        assertThat(kept).isSortedAccordingTo((one, other) -> one.at().compareTo(other.at()));
    }

    @Test
    void nothing_new_is_not_kept_again_and_not_too_often() {
        Moments moments = new Moments();
        moments.add(at(7, Duration.ZERO));

        assertThat(moments.wants(7, BEGIN.plusSeconds(60))).isFalse();
        assertThat(moments.wants(8, BEGIN.plusSeconds(1))).isFalse();
        assertThat(moments.wants(8, BEGIN.plusSeconds(15))).isTrue();
    }

    private static Moment at(long position, Duration since) {
        return new Moment(position, BEGIN.plus(since), new int[] {1}, Map.of(), Tally.NOTHING);
    }
}
