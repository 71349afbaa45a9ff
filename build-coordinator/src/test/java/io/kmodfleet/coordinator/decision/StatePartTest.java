package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.installFailed;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Observation;
import org.junit.jupiter.api.Test;

class StatePartTest {

    @Test
    void a_state_put_together_from_its_parts_is_the_same_and_decides_the_same() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(built("a", build));
        fleet.sees(stored());
        fleet.sees(reported("c", CAN_BUILD));
        fleet.sees(installFailed("a"));

        FleetState again = FleetState.of(
                fleet.state().position(),
                fleet.state().now(),
                fleet.state().parts().iterator());

        assertThat(again.parts())
                .containsExactlyElementsOf(fleet.state().parts().toList());
        var next = fleet.next(reported("d"));
        assertThat(Step.take(again, next, Fleet.AT).decisions())
                .isEqualTo(Step.take(fleet.state(), next, Fleet.AT).decisions());
    }

    @Test
    void holds_and_damage_are_among_the_parts() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(built("a", build));
        fleet.sees(stored());
        fleet.sees(new Observation.HostHeld("ada", Fleet.host("b"), "migrated on Tuesday"));
        fleet.sees(new Observation.PackageDamaged(Fleet.PACKAGE, Fleet.TARGET, "gone"));

        FleetState again = FleetState.of(
                fleet.state().position(),
                fleet.state().now(),
                fleet.state().parts().iterator());

        assertThat(again.parts())
                .containsExactlyElementsOf(fleet.state().parts().toList());
        assertThat(again.held(Fleet.host("b"))).isPresent();
        var next = fleet.next(reported("c"));
        assertThat(Step.take(again, next, Fleet.AT).decisions())
                .isEqualTo(Step.take(fleet.state(), next, Fleet.AT).decisions());
    }

    @Test
    void deadlines_and_builds_under_way_follow_from_the_parts() {
        Fleet fleet = Fleet.withPolicy();
        fleet.sees(reported("a", CAN_BUILD));

        FleetState again = FleetState.of(
                fleet.state().position(),
                fleet.state().now(),
                fleet.state().parts().iterator());

        assertThat(again.buildsUnderWay()).isEqualTo(1);
        assertThat(again.nextDeadline()).isPresent().isEqualTo(fleet.state().nextDeadline());
    }
}
