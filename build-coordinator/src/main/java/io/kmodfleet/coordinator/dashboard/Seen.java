package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.decision.FleetState;
import java.util.Optional;

/** What a page is about: the fleet now, or as it was. @param at as somebody asked for it; absent for now */
record Seen(FleetState state, Board board, Optional<String> at) {

    boolean isNow() {
        return at.isEmpty();
    }
}
