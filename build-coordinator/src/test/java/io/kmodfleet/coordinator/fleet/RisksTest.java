package io.kmodfleet.coordinator.fleet;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.intake.Observed;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RisksTest {

    @Test
    void a_refused_host_can_be_accepted_and_one_whose_module_is_on_its_way_cannot() {
        Envelope refused = Observed.unable("poor", "one");
        Envelope building = Observed.report("rich", 1, "two");
        List<Envelope> story = new ArrayList<>(Observed.beginning());
        story.addAll(List.of(refused, building));
        FleetState state = Observed.take(FleetState.empty(), story.toArray(Envelope[]::new));

        assertThatCode(() -> Risks.require(state, new HostId(refused.source()))).doesNotThrowAnyException();
        assertThatThrownBy(() -> Risks.require(state, new HostId(building.source())))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("Expected a host that is refused or waits, but this one is 'will be safe'");
    }
}
