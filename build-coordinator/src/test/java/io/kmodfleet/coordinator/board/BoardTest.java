package io.kmodfleet.coordinator.board;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.board.Board.Cursor;
import io.kmodfleet.coordinator.board.Board.Page;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.intake.Observed;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BoardTest {

    private static final FleetState BEGINNING =
            Observed.take(FleetState.empty(), Observed.beginning().toArray(Envelope[]::new));

    @Test
    void hosts_of_one_kernel_are_one_that_builds_and_others_that_will_be_safe() {
        Board board = Board.of(fleet(3));

        assertThat(board.size()).isEqualTo(3);
        assertThat(board.counts()[Safety.UNDER_WAY.ordinal()]).isEqualTo(3);
        assertThat(board.kernels()).containsExactly(new Board.Count("6.1.0-one", 3));
    }

    @Test
    void a_host_that_reports_another_kernel_is_counted_there_and_not_where_it_was() {
        FleetState before = fleet(3);
        Board board = Board.of(before);
        Envelope moved = Observed.report("host-1", 2, "two");

        board.update(Observed.take(before, moved), new HostId(moved.source()));

        assertThat(board.kernels()).containsExactly(new Board.Count("6.1.0-one", 2), new Board.Count("6.1.0-two", 1));
        assertThat(board.size()).isEqualTo(3);
    }

    @Test
    void host_by_host_it_comes_to_the_same_as_all_at_once() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        FleetState state = BEGINNING;
        Board board = Board.of(state);
        for (int i = 1; i <= 300; i++) {
            Envelope report = Observed.report("host-" + random.nextInt(20), i, "image-" + random.nextInt(5));
            if (state.holds(report) || state.missesOneBefore(report)) {
                continue;
            }
            state = Observed.take(state, report);
            board.update(state, new HostId(report.source()));
        }
        FleetState last = state;
        last.hostIds().forEach(host -> board.update(last, host));

        Board fresh = Board.of(last);
        assertThat(board.counts()).as("seed %d", seed).isEqualTo(fresh.counts());
        assertThat(board.kernels()).as("seed %d", seed).isEqualTo(fresh.kernels());
        assertThat(board.reasons()).as("seed %d", seed).isEqualTo(fresh.reasons());
    }

    @Test
    void pages_hold_every_host_once_the_worst_first() {
        Board board = Board.of(fleet(25));
        List<HostId> all = new ArrayList<>();
        Cursor cursor = Cursor.BEGIN;
        Page page;
        do {
            page = board.page(Filter.ALL, cursor, 10);
            all.addAll(page.hosts());
            cursor = page.next().map(Cursor::toString).map(Cursor::parse).orElse(null);
        } while (cursor != null);

        assertThat(all).hasSize(25).doesNotHaveDuplicates();
        assertThat(page.matching()).isEqualTo(25);
    }

    @Test
    void a_filter_fits_by_name_without_regard_to_case_by_id_and_by_state() {
        FleetState state = fleet(12);
        Board board = Board.of(state);
        HostId some = state.hostIds().get(3);

        assertThat(found(board, text("HOST-1"))).isEqualTo(3);
        assertThat(found(board, text(some.value().substring(0, 8)))).isEqualTo(1);
        assertThat(found(board, new Filter(Optional.of(Safety.SAFE), none(), none(), none(), none(), none(), none())))
                .isZero();
        assertThat(board.map(text("host-11"))).hasSize(12).containsOnlyOnce((byte) Safety.UNDER_WAY.ordinal());
    }

    @Test
    void those_that_are_held_longest_come_first_and_no_more_than_are_asked_for() {
        FleetState state = fleet(3);
        assertThat(Board.of(state).heldLongest(5)).isEmpty();
        List<HostId> all = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            Envelope report = Observed.unable("poor-" + i, "image-" + i);
            state = Observed.take(state, report);
            all.add(new HostId(report.source()));
        }
        Board held = Board.of(state);

        assertThat(held.heldLongest(5)).isEqualTo(all.subList(0, 5));
        assertThat(held.heldLongest(100)).isEqualTo(all);
    }

    @Test
    void silence_takes_precedence_over_the_word_before_and_gives_it_back() {
        FleetState state = fleet(3);
        Board board = Board.of(state);
        HostId host = board.at(1).orElseThrow();
        Instant heardAt = Instant.parse("2026-11-26T00:00:00Z");

        board.silence(1, Optional.of(heardAt));
        board.update(state, host);

        assertThat(board.counts()[Safety.SILENT.ordinal()]).isEqualTo(1);
        assertThat(board.counts()[Safety.UNDER_WAY.ordinal()]).isEqualTo(2);
        assertThat(board.map(Filter.ALL)[1]).isEqualTo((byte) Safety.SILENT.ordinal());
        assertThat(found(board, in(Safety.SILENT))).isEqualTo(1);
        assertThat(found(board, in(Safety.UNDER_WAY))).isEqualTo(2);
        assertThat(board.line(state, host).safety()).isEqualTo(Safety.SILENT);
        assertThat(board.line(state, host).silence()).hasValue(new HostLine.Silence(Safety.UNDER_WAY, heardAt));

        board.silence(1, Optional.empty());

        assertThat(board.counts()).isEqualTo(Board.of(state).counts());
        assertThat(board.line(state, host)).isEqualTo(HostLine.of(state, host));
    }

    @Test
    void a_silent_host_stands_before_those_that_are_only_under_way_on_every_page() {
        Board board = Board.of(fleet(25));
        HostId silent = board.at(17).orElseThrow();
        board.silence(17, Optional.of(Instant.EPOCH));

        Page first = board.page(Filter.ALL, Cursor.BEGIN, 10);
        Page second = board.page(Filter.ALL, first.next().orElseThrow(), 10);

        assertThat(first.hosts()).startsWith(silent);
        assertThat(second.hosts()).hasSize(10).doesNotContain(silent).doesNotContainAnyElementsOf(first.hosts());
    }

    private static Filter in(Safety safety) {
        return new Filter(Optional.of(safety), none(), none(), none(), none(), none(), none());
    }

    @Test
    void a_cursor_that_nobody_gave_is_refused_with_what_was_expected() {
        assertThatIllegalArgumentException().isThrownBy(() -> Cursor.parse("x")).withMessageContaining("like 2-117");
    }

    private static Optional<String> none() {
        return Optional.empty();
    }

    private static Filter text(String text) {
        return new Filter(Optional.empty(), none(), none(), none(), none(), none(), Optional.of(text));
    }

    private static int found(Board board, Filter filter) {
        return board.page(filter, Cursor.BEGIN, 50).hosts().size();
    }

    private static FleetState fleet(int hosts) {
        FleetState state = BEGINNING;
        for (int i = 0; i < hosts; i++) {
            state = Observed.take(state, Observed.report("host-" + i, 1, "one"));
        }
        return state;
    }
}
