package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.BODY;
import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.body;
import static io.kmodfleet.coordinator.decision.Fleet.Host.image;
import static io.kmodfleet.coordinator.decision.Fleet.LATE;
import static io.kmodfleet.coordinator.decision.Fleet.PACKAGE;
import static io.kmodfleet.coordinator.decision.Fleet.TARGET;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.digest;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.late;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static io.kmodfleet.coordinator.decision.Fleet.storedLate;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Reason;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two builders were asked for the same module, and what they gave is not the same. */
@ExtendWith(Recorder.class)
class DissentTest {

    private static final Digest OTHER_BODY = digest("another body");
    private static final KernelInterface NEEDS =
            new KernelInterface("SMP mod_unload ", 1408, new TreeMap<>(Map.of("printk", "92997ed8")));

    private Fleet fleet;

    @BeforeEach
    void begin() {
        fleet = Fleet.withPolicy();
    }

    @Test
    void a_target_whose_builders_contradict_each_other_is_shared_with_nobody_and_both_are_named() {
        contradicted();

        fleet.sees(reported("b"));

        assertThat(TargetView.of(fleet.state(), TARGET).state()).isEqualTo("differs");
        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Wait.class);
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.BUILDS_DIFFER);
        assertThat(fleet.standing(host("b")).facts())
                .contains(
                        Fact.of("package", PACKAGE),
                        Fact.of("builtBy", "a2"),
                        Fact.of("other", LATE),
                        Fact.of("otherBuiltBy", "a"));
        assertThat(Explanation.of(fleet.standing(host("b"))).change())
                .contains("kmodfleet divergences", "kmodfleet recall");
    }

    @Test
    void whoever_has_one_of_them_installed_keeps_it_and_whoever_was_only_told_to_install_it_waits() {
        Decision first = first();
        fleet.sees(reported("has", HAS_MODULE));
        fleet.sees(reported("told"));
        assertThat(fleet.standing(host("told"))).isInstanceOf(Decision.Reuse.class);

        fleet.sees(late("a", first));
        List<Decision> decisions = fleet.sees(storedLate(OTHER_BODY));

        assertThat(fleet.standing(host("has")).reason()).isEqualTo(Reason.UP_TO_DATE);
        assertThat(fleet.standing(host("told")).reason()).isEqualTo(Reason.BUILDS_DIFFER);
        assertThat(decisions)
                .extracting(decision -> decision.subject().host())
                .contains(host("told"))
                .doesNotContain(host("has"));
    }

    @Test
    void when_one_is_recalled_the_other_is_shared_again() {
        contradicted();
        fleet.sees(reported("b"));

        fleet.sees(new Observation.PackageRecalled("ada", TARGET, LATE, "built on a host that was broken into"));

        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Reuse.class);
        assertThat(((Decision.Reuse) fleet.standing(host("b"))).packageDigest()).isEqualTo(PACKAGE);
    }

    @Test
    void when_the_first_is_recalled_the_other_goes_to_its_canary() {
        contradicted();
        fleet.sees(reported("b"));

        fleet.sees(new Observation.PackageRecalled("ada", TARGET, PACKAGE, "an old compiler"));

        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Reuse.class);
        assertThat(((Decision.Reuse) fleet.standing(host("a"))).packageDigest()).isEqualTo(LATE);
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.CANARY_RUNNING);
    }

    @Test
    void a_package_that_nobody_ordered_contradicts_nobody() {
        first();

        fleet.sees(new Observation.BuildSucceeded(
                host("stranger"), new DecisionId(1, 0), TARGET, LATE, digest("log"), 4_000));
        List<Decision> decisions = fleet.sees(storedLate(OTHER_BODY));

        assertThat(decisions).isEmpty();
        fleet.sees(reported("b"));
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
    }

    @Test
    void one_order_is_good_for_one_contradiction_only() {
        Decision first = first();
        fleet.sees(late("a", first));
        fleet.sees(storedLate(BODY));

        Digest more = digest("one more");
        fleet.sees(new Observation.BuildSucceeded(host("a"), first.id(), TARGET, more, digest("log"), 4_000));
        fleet.sees(new Observation.PackageStored(
                more, TARGET, "v4l2loopback", "0.12.7", List.of(OTHER_BODY), Optional.empty()));
        fleet.sees(reported("b"));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
    }

    @Test
    void builders_that_agree_byte_for_byte_stop_nothing() {
        Decision first = first();
        fleet.sees(reported("b"));

        fleet.sees(late("a", first));
        fleet.sees(storedLate(BODY));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
    }

    @Test
    void what_one_of_two_equal_packages_has_shown_the_other_need_not_show_again() {
        Decision first = first();
        fleet.sees(late("a", first));
        fleet.sees(storedLate(BODY));

        fleet.sees(new Observation.PackageDamaged(PACKAGE, TARGET, "gone"));
        fleet.sees(reported("b"));

        assertThat(((Decision.Reuse) fleet.standing(host("b"))).packageDigest()).isEqualTo(LATE);
    }

    @Test
    void a_recall_is_of_modules_whoever_else_built_the_same_ones() {
        Decision first = first();
        fleet.sees(late("a", first));
        fleet.sees(storedLate(BODY));
        fleet.sees(reported("b"));
        fleet.sees(reported("another-builder", CAN_BUILD));

        fleet.sees(new Observation.PackageRecalled("ada", TARGET, PACKAGE, "crashes on resume"));

        assertThat(fleet.standing(host("another-builder"))).isInstanceOf(Decision.Build.class);
        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Wait.class);
        assertThat(fleet.state().target(TARGET).timesRecalled()).isEqualTo(1);
    }

    @Test
    void a_builder_that_gives_the_modules_that_were_recalled_has_failed() {
        Decision first = first();
        fleet.sees(new Observation.PackageRecalled("ada", TARGET, PACKAGE, "crashes on resume"));
        fleet.sees(storedLate(BODY));

        fleet.sees(late("a", first));
        fleet.sees(reported("b"));

        assertThat(fleet.standing(host("b"))).isNotInstanceOf(Decision.Reuse.class);
        assertThat(fleet.state().target(TARGET).buildFailures()).isNotEmpty();
    }

    @Test
    void a_disputed_package_goes_to_no_other_image_either_and_when_the_dispute_ends_it_does() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.waits();
        fleet.sees(built("a2", fleet.standing(host("a2"))));
        fleet.sees(new Observation.PackageStored(
                PACKAGE, TARGET, "v4l2loopback", "0.12.7", List.of(BODY), Optional.of(NEEDS)));
        fleet.sees(installed("a2"));
        fleet.sees(reported("other", image("other image")));
        fleet.sees(new Observation.KernelExportsReported(
                host("other"), "x86_64", Fleet.KERNEL, digest("other image"), NEEDS));
        assertThat(fleet.standing(host("other")).reason()).isEqualTo(Reason.PACKAGE_COMPATIBLE);

        fleet.sees(late("a", first));
        fleet.sees(storedLate(OTHER_BODY));

        assertThat(fleet.standing(host("other"))).isNotInstanceOf(Decision.Reuse.class);

        fleet.sees(new Observation.PackageRecalled("ada", TARGET, LATE, "wrong"));

        assertThat(fleet.standing(host("other")).reason()).isEqualTo(Reason.PACKAGE_COMPATIBLE);
    }

    @Test
    void a_canary_that_was_told_before_the_dispute_is_believed_when_it_has_installed() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.waits();
        fleet.sees(built("a2", fleet.standing(host("a2"))));
        fleet.sees(stored());
        fleet.sees(late("a", first));
        fleet.sees(storedLate(OTHER_BODY));
        assertThat(fleet.standing(host("a2")).reason()).isEqualTo(Reason.BUILDS_DIFFER);

        fleet.sees(installed("a2"));
        fleet.sees(reported("a2", CAN_BUILD, body(BODY)));
        fleet.sees(reported("b"));
        fleet.sees(new Observation.PackageRecalled("ada", TARGET, LATE, "wrong"));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.PACKAGE_EXACT);
    }

    /** Host a took too long, a2 built and installed. @return what a was told */
    private Decision first() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.waits();
        fleet.sees(built("a2", fleet.standing(host("a2"))));
        fleet.sees(stored());
        fleet.sees(installed("a2"));
        return first;
    }

    private void contradicted() {
        Decision first = first();
        fleet.sees(late("a", first));
        fleet.sees(storedLate(OTHER_BODY));
    }
}
