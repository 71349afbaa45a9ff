package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.decision.FleetState;
import java.util.Set;

/** What there is to accept of a host. */
public final class Risks {

    private static final Set<Safety> NOTHING_TO_ACCEPT = Set.of(Safety.SAFE, Safety.UNKNOWN, Safety.UNDER_WAY);

    private Risks() {}

    /** @throws Problem 409 where no answer holds it back */
    public static void require(FleetState state, HostId host) {
        Safety safety = HostLine.of(state, host).safety();
        if (NOTHING_TO_ACCEPT.contains(safety)) {
            throw new Problem(
                    409,
                    "Nothing to accept",
                    "Expected a host that is refused or waits, but this one is '" + safety.words() + "'");
        }
    }
}
