package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Proof;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A policy that wants others asked before another one takes its place. */
@ExtendWith(Recorder.class)
class ApprovalTest {

    private static final Policy FIRST = Fleet.wantingApprovals(without(), 2);
    private static final Policy OTHER = Fleet.policy(Proof.INSTALL);

    private Fleet fleet;

    @BeforeEach
    void begin() {
        fleet = Fleet.with(FIRST);
        fleet.sees(reported("a", CAN_BUILD));
    }

    @Test
    void the_first_policy_of_a_fleet_and_one_that_nobody_need_approve_are_in_force_at_once() {
        assertThat(fleet.state().policy()).contains(FIRST);

        Fleet free = Fleet.with(without());
        free.sees(reported("a", CAN_BUILD));
        List<Decision> decisions = free.publishes(OTHER);

        assertThat(free.state().policy()).contains(OTHER);
        assertThat(decisions).hasOnlyElementsOfType(Decision.Build.class).hasSize(1);
    }

    @Test
    void another_policy_waits_until_so_many_others_have_approved_it_and_decides_nothing_before() {
        List<Decision> published = fleet.publishes(OTHER);
        long position = fleet.state().position();
        List<Decision> first = approves("grace", position);

        assertThat(published).isEmpty();
        assertThat(first).isEmpty();
        assertThat(fleet.state().policy()).contains(FIRST);
        assertThat(fleet.state().proposal()).hasValueSatisfying(waiting -> {
            assertThat(waiting.publication().author()).isEqualTo("ada");
            assertThat(waiting.approvers()).containsExactly("grace");
        });

        List<Decision> second = approves("barbara", position);

        assertThat(fleet.state().policy()).contains(OTHER);
        assertThat(fleet.state().inForce().orElseThrow().position()).isEqualTo(position);
        assertThat(fleet.state().proposal()).isEmpty();
        assertThat(second).hasOnlyElementsOfType(Decision.Build.class).hasSize(1);
    }

    @Test
    void nobody_approves_what_is_their_own_and_nobody_counts_twice_however_they_write_themselves() {
        fleet.publishes(OTHER);
        long position = fleet.state().position();

        approves("ada", position);
        approves("Ada ", position);
        approves("grace", position);
        approves("GRACE", position);
        approves("grace", position);

        assertThat(fleet.state().policy()).contains(FIRST);
        assertThat(fleet.state().proposal().orElseThrow().approvers()).containsExactly("grace");
    }

    @Test
    void who_approved_one_policy_has_not_approved_the_one_that_overtook_it() {
        fleet.publishes(OTHER);
        long overtaken = fleet.state().position();
        approves("grace", overtaken);

        fleet.publishes(Fleet.policy(Proof.LOAD));
        approves("barbara", overtaken);

        assertThat(fleet.state().policy()).contains(FIRST);
        assertThat(fleet.state().proposal().orElseThrow().approvers()).isEmpty();
    }

    @Test
    void a_policy_that_wants_less_approval_wants_that_of_the_one_in_force() {
        fleet.publishes(Fleet.wantingApprovals(without(), 1));
        approves("grace", fleet.state().position());

        assertThat(fleet.state().policy()).contains(FIRST);
    }

    @Test
    void publishing_what_is_in_force_once_more_wants_no_approval_and_withdraws_what_waits() {
        fleet.publishes(OTHER);

        fleet.publishes(FIRST);

        assertThat(fleet.state().policy()).contains(FIRST);
        assertThat(fleet.state().proposal()).isEmpty();
    }

    @Test
    void an_approval_of_nothing_changes_nothing() {
        List<Decision> decisions = approves("grace", 1);

        assertThat(decisions).isEmpty();
        assertThat(fleet.state().policy()).contains(FIRST);
        assertThat(fleet.state().proposal()).isEmpty();
    }

    @Test
    void what_waits_survives_in_a_snapshot_with_those_who_approved_it() {
        fleet.publishes(OTHER);
        approves("grace", fleet.state().position());
        List<StatePart> parts = new ArrayList<>();
        fleet.state().parts().forEach(parts::add);

        FleetState read = FleetState.of(fleet.state().position(), fleet.state().now(), parts.iterator());

        assertThat(read.proposal()).isEqualTo(fleet.state().proposal());
        assertThat(read.inForce()).isEqualTo(fleet.state().inForce());
    }

    private List<Decision> approves(String author, long position) {
        return fleet.sees(new Observation.PolicyApproved(author, position));
    }

    /** Wants no module. */
    private static Policy without() {
        Policy policy = Fleet.policy(Proof.INSTALL);
        return new Policy(
                policy.schema(),
                policy.platformRelease(),
                policy.kernels(),
                policy.architectures(),
                policy.systems(),
                List.of(),
                policy.limits(),
                policy.groups(),
                policy.windows(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }
}
