package io.kmodfleet.coordinator.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.intake.Observed;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FleetPagesTest {

    @Test
    void a_host_that_came_while_a_page_is_made_is_left_to_the_next_page() {
        Envelope first = Observed.report("first", 1, "one");
        Envelope later = Observed.report("later", 1, "one");
        FleetState before = Observed.take(
                FleetState.empty(),
                Observed.beginning().get(0),
                Observed.beginning().get(1),
                first);
        Board board = Board.of(Observed.take(before, later));

        List<HostLine> lines = FleetPages.lines(
                new Seen(before, board, Optional.empty()),
                List.of(new HostId(first.source()), new HostId(later.source())));

        assertThat(lines).extracting(HostLine::hostname).containsExactly("first");
    }
}
