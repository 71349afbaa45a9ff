package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_LOADED_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.RUNS;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Reason;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Somebody wants a host to be left as it is. */
@ExtendWith(Recorder.class)
class HoldTest {

    private Fleet fleet;

    @BeforeEach
    void begin() {
        fleet = Fleet.withPolicy();
    }

    @Test
    void a_held_host_is_given_nothing_new_and_is_told_who_wants_that_why_and_since_when() {
        proven();
        fleet.sees(reported("b"));

        fleet.sees(held("b"));

        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Wait.class);
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.HELD);
        assertThat(fleet.standing(host("b")).facts())
                .containsExactly(
                        Fact.of("by", "ada"), Fact.of("why", "migrated on Tuesday"), Fact.of("since", Fleet.AT));
        assertThat(Explanation.of(fleet.standing(host("b"))).text()).contains("ada", "migrated on Tuesday");
    }

    @Test
    void a_host_that_is_held_before_it_ever_reported_gets_nothing_when_it_does() {
        proven();

        fleet.sees(held("b"));
        fleet.sees(reported("b"));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.HELD);
    }

    @Test
    void what_is_up_to_date_on_a_held_host_stays_so() {
        proven();
        fleet.sees(reported("b", HAS_LOADED_MODULE));

        List<Decision> decisions = fleet.sees(held("b"));

        assertThat(decisions).isEmpty();
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.UP_TO_DATE);
    }

    @Test
    void a_module_on_a_held_host_is_not_loaded_either() {
        fleet.sees(held("b"));

        fleet.sees(reported("b", HAS_MODULE, RUNS));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.HELD);
    }

    @Test
    void a_host_that_is_released_is_decided_afresh() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(held("b"));

        fleet.sees(released("b"));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
        assertThat(fleet.state().held(host("b"))).isEmpty();
    }

    @Test
    void a_held_host_builds_for_nobody_and_is_named_where_nobody_else_can() {
        fleet.sees(held("a"));
        fleet.sees(reported("a", CAN_BUILD));

        fleet.sees(reported("b"));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.NO_BUILD_ENVIRONMENT);
        assertThat(fleet.standing(host("b")).facts()).contains(Fact.of(Decision.Reject.HELD, "a"));
        assertThat(Explanation.of(fleet.standing(host("b"))).text()).contains("Held", "a");
    }

    @Test
    void when_a_builder_is_released_those_that_waited_for_one_get_their_build() {
        fleet.sees(held("a"));
        fleet.sees(reported("a", CAN_BUILD));
        fleet.sees(reported("b"));

        fleet.sees(released("a"));

        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Build.class);
        assertThat(fleet.state().buildsUnderWay()).isEqualTo(1);
    }

    @Test
    void another_host_builds_where_the_best_builder_is_held() {
        fleet.sees(held("a"));
        fleet.sees(reported("a", CAN_BUILD));

        fleet.sees(reported("z", CAN_BUILD));

        assertThat(fleet.standing(host("z"))).isInstanceOf(Decision.Build.class);
    }

    @Test
    void a_build_that_was_given_before_the_hold_still_counts_and_another_host_tries_its_package() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(held("a"));

        fleet.sees(built("a", build));
        fleet.sees(stored());

        assertThat(fleet.standing(host("a")).reason()).isEqualTo(Reason.HELD);
        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Reuse.class);
    }

    @Test
    void a_canary_that_is_held_is_followed_by_another_one_and_still_believed_when_it_has_installed() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(reported("c"));
        fleet.sees(built("a", build));
        fleet.sees(stored());
        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Reuse.class);

        fleet.sees(held("a"));

        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Reuse.class);
        assertThat(fleet.standing(host("c")).reason()).isEqualTo(Reason.CANARY_RUNNING);

        fleet.sees(installed("a"));

        assertThat(fleet.standing(host("c")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
    }

    @Test
    void another_reason_replaces_the_first_one_and_the_time_stays() {
        fleet.sees(held("a"));

        fleet.after(Duration.ofHours(1));
        fleet.sees(new Observation.HostHeld("bob", host("a"), "migrated on Wednesday"));

        assertThat(fleet.state().held(host("a")))
                .contains(new FleetState.Held("bob", "migrated on Wednesday", Fleet.AT));
    }

    @Test
    void a_host_that_forgot_everything_is_still_held() {
        fleet.sees(reported("a", CAN_BUILD));
        fleet.sees(held("a"));

        fleet.startsCountingAnew();
        fleet.sees(reported("a", CAN_BUILD));

        assertThat(fleet.standing(host("a")).reason()).isEqualTo(Reason.HELD);
        assertThat(fleet.state().buildsUnderWay()).isZero();
    }

    private void proven() {
        Decision build = fleet.sees(reported("proven-a", CAN_BUILD)).get(0);
        fleet.sees(built("proven-a", build));
        fleet.sees(stored());
        fleet.sees(installed("proven-a"));
    }

    private static Observation held(String name) {
        return new Observation.HostHeld("ada", host(name), "migrated on Tuesday");
    }

    private static Observation released(String name) {
        return new Observation.HostReleased("ada", host(name));
    }
}
