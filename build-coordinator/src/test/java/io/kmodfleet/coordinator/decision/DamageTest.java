package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.BODY;
import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.LATE;
import static io.kmodfleet.coordinator.decision.Fleet.PACKAGE;
import static io.kmodfleet.coordinator.decision.Fleet.TARGET;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.late;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static io.kmodfleet.coordinator.decision.Fleet.storedLate;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Reason;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The store has lost the bytes of a package. */
@ExtendWith(Recorder.class)
class DamageTest {

    private Fleet fleet;

    @BeforeEach
    void begin() {
        fleet = Fleet.withPolicy();
    }

    @Test
    void a_damaged_package_goes_to_nobody_and_is_built_anew_for_whoever_still_needs_it() {
        proven();
        fleet.sees(reported("b"));

        fleet.sees(damaged());

        assertThat(fleet.standing(host("proven-a"))).isInstanceOf(Decision.Build.class);
        assertThat(fleet.standing(host("b")).reason()).isIn(Reason.BUILD_ELSEWHERE, Reason.BUILD_RUNNING);
    }

    @Test
    void where_everybody_has_it_nothing_is_built() {
        proven();
        fleet.sees(reported("proven-a", CAN_BUILD, HAS_MODULE));

        List<Decision> decisions = fleet.sees(damaged());

        assertThat(decisions).isEmpty();
        assertThat(TargetView.of(fleet.state(), Fleet.TARGET).state()).isEqualTo("damaged");
        assertThat(fleet.state().buildsUnderWay()).isZero();
    }

    @Test
    void the_package_of_the_new_build_heals_it_once_its_canary_has_it() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(damaged());

        fleet.sees(late("proven-a", fleet.standing(host("proven-a"))));
        fleet.sees(storedLate(Fleet.digest("not the same, byte for byte")));
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.CANARY_RUNNING);
        fleet.sees(new Observation.ModuleInstalled(
                host("proven-a"),
                fleet.standing(host("proven-a")).id(),
                TARGET,
                LATE,
                io.kmodfleet.contracts.Proof.INSTALL));

        assertThat(((Decision.Reuse) fleet.standing(host("b"))).packageDigest()).isEqualTo(LATE);
        assertThat(fleet.state().buildsUnderWay()).isZero();
    }

    @Test
    void where_its_builder_has_the_old_one_and_needs_no_other_somebody_else_tries_the_new_one() {
        proven();
        fleet.sees(reported("proven-a", CAN_BUILD, HAS_MODULE));
        fleet.sees(reported("b"));
        fleet.sees(damaged());

        fleet.sees(late("proven-a", fleet.standing(host("proven-a"))));
        fleet.sees(storedLate(Fleet.digest("not the same, byte for byte")));

        assertThat(fleet.standing(host("proven-a")).reason()).isEqualTo(Reason.UP_TO_DATE);
        assertThat(((Decision.Reuse) fleet.standing(host("b"))).packageDigest()).isEqualTo(LATE);
    }

    @Test
    void the_same_bytes_heal_it_at_once() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(damaged());

        fleet.sees(healed());

        assertThat(((Decision.Reuse) fleet.standing(host("b"))).packageDigest()).isEqualTo(PACKAGE);
    }

    @Test
    void a_build_that_gives_the_same_bytes_again_ends_when_the_store_has_them() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(damaged());

        fleet.sees(built("proven-a", fleet.standing(host("proven-a"))));
        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Wait.class);
        fleet.sees(healed());

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
        assertThat(fleet.state().buildsUnderWay()).isZero();
    }

    @Test
    void when_a_damaged_package_comes_back_beside_one_that_differs_nobody_gets_either() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(damaged());
        fleet.sees(late("proven-a", fleet.standing(host("proven-a"))));
        fleet.sees(storedLate(Fleet.digest("not the same, byte for byte")));

        fleet.sees(healed());

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.BUILDS_DIFFER);
    }

    @Test
    void when_it_comes_back_beside_an_equal_one_everybody_gets_it() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(damaged());
        fleet.sees(late("proven-a", fleet.standing(host("proven-a"))));
        fleet.sees(storedLate(BODY));

        fleet.sees(healed());

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
    }

    private void proven() {
        Decision build = fleet.sees(reported("proven-a", CAN_BUILD)).get(0);
        fleet.sees(built("proven-a", build));
        fleet.sees(stored());
        fleet.sees(installed("proven-a"));
    }

    private static Observation damaged() {
        return new Observation.PackageDamaged(PACKAGE, TARGET, "Expected its bytes, but they are gone");
    }

    private static Observation healed() {
        return new Observation.PackageHealed(PACKAGE, TARGET);
    }
}
