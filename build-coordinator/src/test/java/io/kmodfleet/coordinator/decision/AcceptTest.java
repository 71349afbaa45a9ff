package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.board.Safety;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Somebody lives with it that a host is not safe. */
@ExtendWith(Recorder.class)
class AcceptTest {

    private Fleet fleet;

    @BeforeEach
    void begin() {
        fleet = Fleet.withPolicy();
        fleet.sees(reported("a"));
    }

    @Test
    void a_refused_host_that_somebody_lives_with_is_accepted_with_the_name_and_the_reason_and_no_answer_changes() {
        assertThat(safety()).isEqualTo(Safety.REFUSED);

        List<Decision> decisions = accepted();

        assertThat(decisions).isEmpty();
        assertThat(safety()).isEqualTo(Safety.ACCEPTED);
        assertThat(fleet.state().accepted(fleet.standing(host("a")))).hasValueSatisfying(risk -> {
            assertThat(risk.author()).isEqualTo("ada");
            assertThat(risk.why()).isEqualTo("retired next week");
        });
    }

    @Test
    void what_the_host_is_told_next_is_not_accepted() {
        accepted();

        fleet.sees(reported("b", CAN_BUILD));
        assertThat(safety()).isEqualTo(Safety.UNDER_WAY);
        fleet.sees(new Observation.HostHeld("ada", host("a"), "migrated"));

        assertThat(safety()).isEqualTo(Safety.WAITING);
    }

    @Test
    void a_report_that_changes_no_answer_ends_no_acceptance() {
        accepted();

        fleet.sees(reported("a"));

        assertThat(safety()).isEqualTo(Safety.ACCEPTED);
    }

    @Test
    void where_nothing_holds_a_host_back_nothing_is_accepted() {
        fleet.sees(reported("b", CAN_BUILD));

        fleet.sees(new Observation.RiskAccepted("ada", host("b"), "retired next week"));
        fleet.sees(new Observation.RiskAccepted("ada", host("c"), "never heard of"));

        assertThat(fleet.state().accepted(fleet.standing(host("b")))).isEmpty();
        assertThat(HostLine.of(fleet.state(), host("b")).safety()).isEqualTo(Safety.UNDER_WAY);
    }

    @Test
    void what_is_accepted_survives_in_a_snapshot() {
        accepted();
        List<StatePart> parts = new ArrayList<>();
        fleet.state().parts().forEach(parts::add);

        FleetState read = FleetState.of(fleet.state().position(), fleet.state().now(), parts.iterator());

        assertThat(HostLine.of(read, host("a")).safety()).isEqualTo(Safety.ACCEPTED);
    }

    private List<Decision> accepted() {
        return fleet.sees(new Observation.RiskAccepted("ada", host("a"), "retired next week"));
    }

    private Safety safety() {
        return HostLine.of(fleet.state(), host("a")).safety();
    }
}
