package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.decision.FleetState;
import java.util.Optional;

/** What a page is about: the fleet now, or as it was. @param at as somebody asked for it; absent for now */
record Seen(FleetState state, Board board, Optional<String> at) {

    boolean isNow() {
        return at.isEmpty();
    }

    /** The position before which something may be shown, where a page begins before that one. */
    long before(long position) {
        return isNow() ? position : Math.min(position, state.position() + 1);
    }

    /** Position of the last entry that it may show; now, whatever comes. */
    long upTo() {
        return isNow() ? Long.MAX_VALUE : state.position();
    }
}
