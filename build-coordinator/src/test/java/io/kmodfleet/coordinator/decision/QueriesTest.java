package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.ALPINE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_LOADED_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.MODULE_OF_ANOTHER_IMAGE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.kernel;
import static io.kmodfleet.coordinator.decision.Fleet.Host.secureBoot;
import static io.kmodfleet.coordinator.decision.Fleet.KERNEL;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.late;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static io.kmodfleet.coordinator.decision.Fleet.storedLate;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.RebootSafety.Answer;
import io.kmodfleet.coordinator.decision.Trail.Applied;
import io.kmodfleet.coordinator.decision.Trail.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class QueriesTest {

    private final Fleet fleet = Fleet.withPolicy();

    @Test
    void a_trail_names_the_rule_that_answers_and_those_that_would() {
        fleet.sees(reported("a", CAN_BUILD, kernel("6.12.0-1-amd64")));

        Trail trail = Trail.of(fleet.state(), new Subject(host("a"), "6.12.0-1-amd64", "v4l2loopback"))
                .orElseThrow();

        assertThat(trail.rules())
                .filteredOn(rule -> rule.outcome() == Outcome.ANSWERS)
                .extracting(rule -> rule.reason().orElseThrow())
                .containsExactly(Reason.KERNEL_OUT_OF_RANGE);
        assertThat(trail.rules())
                .filteredOn(rule -> rule.outcome() == Outcome.WOULD_ANSWER)
                .extracting(Applied::number)
                .containsExactly("14, 15", "16");
    }

    @Test
    void a_trail_can_be_made_of_every_host_whatever_is_missing() {
        fleet.sees(reported("a", Fleet.Host.NO_IMAGE));
        fleet.sees(reported("b", MODULE_OF_ANOTHER_IMAGE));

        assertThat(Trail.of(fleet.state(), new Subject(host("a"), KERNEL, "v4l2loopback")))
                .isPresent();
        assertThat(Trail.of(fleet.state(), new Subject(host("b"), KERNEL, "v4l2loopback"))
                        .orElseThrow()
                        .rules())
                .anySatisfy(rule -> assertThat(rule.outcome()).isEqualTo(Outcome.MARKS));
    }

    @Test
    void a_trail_of_a_host_that_is_up_to_date_says_so() {
        fleet.sees(reported("a", HAS_LOADED_MODULE));

        assertThat(Trail.of(fleet.state(), new Subject(host("a"), KERNEL, "v4l2loopback"))
                        .orElseThrow()
                        .rules())
                .filteredOn(rule -> rule.outcome() == Outcome.ANSWERS)
                .extracting(Applied::number)
                .containsExactly("1");
    }

    @Test
    void a_host_whose_module_is_right_is_safe_to_reboot() {
        fleet.sees(reported("a", HAS_LOADED_MODULE));

        assertThat(RebootSafety.of(fleet.state(), host("a")).answer()).isEqualTo(Answer.SAFE);
    }

    @Test
    void a_host_is_not_safe_for_one_reason() {
        fleet.sees(reported("without"));
        fleet.sees(reported("stale", MODULE_OF_ANOTHER_IMAGE));
        fleet.sees(reported("unsigned", HAS_MODULE, secureBoot("a key")));

        assertThat(RebootSafety.of(fleet.state(), host("without")).because()).contains("not installed");
        assertThat(RebootSafety.of(fleet.state(), host("stale")).because()).contains("built for image");
        assertThat(RebootSafety.of(fleet.state(), host("unsigned")).because()).contains("not signed");
        assertThat(RebootSafety.of(fleet.state(), host("unsigned")).kernel()).contains(KERNEL);
        assertThat(RebootSafety.of(fleet.state(), host("nobody")).answer()).isEqualTo(Answer.UNKNOWN);
    }

    @Test
    void a_target_is_told_in_one_word_from_its_build_to_its_recall() {
        Fleet fleet = Fleet.withPolicy();
        List<String> words = new ArrayList<>(List.of(stateOf(fleet)));
        fleet.sees(reported("a", CAN_BUILD));
        words.add(stateOf(fleet));
        fleet.sees(built("a", fleet.standing(host("a"))));
        fleet.sees(stored());
        words.add(stateOf(fleet));
        fleet.sees(installed("a"));
        words.add(stateOf(fleet));
        // Nobody who could build it anew.
        fleet.sees(reported("a"));
        fleet.sees(new Observation.PackageRecalled("ada", Fleet.TARGET, Fleet.PACKAGE, "crashes"));
        words.add(stateOf(fleet));

        assertThat(words).containsExactly("none", "building", "candidate", "proven", "recalled");
    }

    private static String stateOf(Fleet fleet) {
        return TargetView.of(fleet.state(), Fleet.TARGET).state();
    }

    @Test
    void preflight_of_a_kernel_that_nobody_has_counts_one_build_and_who_would_be_refused() {
        fleet.sees(reported("a", CAN_BUILD));
        fleet.sees(reported("b"));
        fleet.sees(reported("c", ALPINE));

        Preflight preflight = Preflight.of(fleet.state(), kernelOf("6.1.0-99-amd64", Optional.empty()));

        assertThat(preflight.hosts()).isEqualTo(3);
        assertThat(preflight.modules()).singleElement().satisfies(line -> {
            assertThat(line.build()).isEqualTo(1);
            assertThat(line.builder()).contains("a");
            assertThat(line.waiting()).isEqualTo(2);
            assertThat(line.reuse()).isZero();
            assertThat(line.refused()).isEqualTo(Map.of(Reason.OS_UNSUPPORTED, 1));
        });
    }

    @Test
    void preflight_of_a_kernel_that_is_served_counts_reuse_and_changes_nothing() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(built("a", build));
        fleet.sees(stored());
        fleet.sees(installed("a"));
        fleet.sees(reported("other", kernel("6.1.0-1-amd64")));
        var before = fleet.state().parts().toList();

        Preflight preflight = Preflight.of(fleet.state(), kernelOf(KERNEL, Optional.of(Fleet.TARGET.image())));

        assertThat(preflight.modules().get(0).reuse()).isEqualTo(2);
        assertThat(preflight.modules().get(0).build()).isZero();
        assertThat(fleet.state().parts()).containsExactlyElementsOf(before);
    }

    @Test
    void preflight_of_a_kernel_out_of_range_refuses_everybody() {
        fleet.sees(reported("a", CAN_BUILD));

        assertThat(Preflight.of(fleet.state(), kernelOf("6.12.1-amd64", Optional.empty()))
                        .modules()
                        .get(0)
                        .refused())
                .isEqualTo(Map.of(Reason.KERNEL_OUT_OF_RANGE, 1));
    }

    @Test
    void a_package_stands_as_hosts_have_shown_it_and_counts_who_has_it_or_its_kernel() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(built("a", build));
        fleet.sees(stored());
        assertThat(standing().state()).isEqualTo(PackageStanding.State.CANDIDATE);
        assertThat(standing().hosts()).as("told to try it").isEqualTo(1);

        fleet.sees(installed("a"));
        fleet.sees(reported("b", kernel("6.1.0-1-amd64")));

        assertThat(standing().state()).isEqualTo(PackageStanding.State.PROVEN);
        assertThat(standing().kernels()).isEqualTo(1);
    }

    @Test
    void a_package_stands_with_the_number_of_builders_that_gave_the_very_same_modules() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.sees(built("stranger", first));
        assertThat(standing().builders()).as("nobody asked the stranger").isZero();

        fleet.waits();
        fleet.sees(built("a2", fleet.standing(host("a2"))));
        fleet.sees(stored());
        assertThat(standing().builders()).isEqualTo(1);

        fleet.sees(late("a", first));
        fleet.sees(storedLate(Fleet.BODY));

        assertThat(standing().builders()).isEqualTo(2);
    }

    @Test
    void who_holds_a_host_and_why_can_be_asked() {
        fleet.sees(reported("a"));
        assertThat(fleet.state().held(host("a"))).isEmpty();

        fleet.sees(new Observation.HostHeld("ada", host("a"), "migrated on Tuesday"));

        assertThat(fleet.state().held(host("a"))).contains(new FleetState.Held("ada", "migrated on Tuesday", Fleet.AT));
    }

    @Test
    void a_recalled_package_stands_so_with_the_reason() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(built("a", build));
        fleet.sees(stored());

        fleet.sees(new Observation.PackageRecalled("somebody", Fleet.TARGET, Fleet.PACKAGE, "it is slow"));

        assertThat(standing().state()).isEqualTo(PackageStanding.State.RECALLED);
        assertThat(standing().why()).contains("somebody: it is slow");
    }

    @Test
    void a_package_that_the_ledger_does_not_know_is_a_candidate_that_nobody_has() {
        assertThat(standing())
                .isEqualTo(
                        new PackageStanding(Fleet.PACKAGE, PackageStanding.State.CANDIDATE, Optional.empty(), 0, 0, 0));
    }

    private PackageStanding standing() {
        return PackageStanding.of(
                        fleet.state(), List.of(new PackageStanding.Asked(Fleet.PACKAGE, "v4l2loopback", Fleet.TARGET)))
                .get(0);
    }

    private static KernelIdentity kernelOf(String release, Optional<io.kmodfleet.contracts.Digest> image) {
        return new KernelIdentity("x86_64", release, Optional.empty(), image, Optional.empty(), Optional.empty());
    }
}
