package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.Observation.PolicyApproved;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Proposal;

/** Who may approve which policy. The rules hold it too; here whoever tries is told why not. */
public final class Approvals {

    private Approvals() {}

    /** @throws Problem 404 where no policy waits */
    public static Proposal waiting(FleetState state) {
        return state.proposal()
                .orElseThrow(() -> new Problem(
                        404, "Nothing to approve", "Expected a policy that waits for approval, but none does"));
    }

    /** How many people must still approve what waits; 0 where nothing does. */
    public static int missing(FleetState state) {
        int wanted = state.policy().map(Policy::approvalsWanted).orElse(0);
        return state.proposal()
                .map(waiting -> wanted - waiting.approvers().size())
                .orElse(0);
    }

    /** @throws Problem 404 where no policy waits, 409 where another one does or this person does not count */
    public static PolicyApproved approved(FleetState state, String author, long position) {
        Proposal waiting = waiting(state);
        if (waiting.publication().position() != position) {
            throw new Problem(
                    409,
                    "Another policy waits",
                    "Expected the policy of position " + waiting.publication().position()
                            + ", which overtook the one of " + position + ". Look at that one first");
        }
        if (!waiting.mayApprove(author)) {
            throw new Problem(
                    409,
                    "Approval does not count",
                    "Expected somebody who neither published it nor has approved it, but got '" + author + "'");
        }
        return new PolicyApproved(author, position);
    }
}
