package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.BODY;
import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_LOADED_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.MODULE_OF_ANOTHER_IMAGE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.MODULE_OLDER_THAN_IMAGE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.NOT_IN_INITRAMFS;
import static io.kmodfleet.coordinator.decision.Fleet.Host.NO_IMAGE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.OBSERVES_ONLY;
import static io.kmodfleet.coordinator.decision.Fleet.Host.READS_MAP;
import static io.kmodfleet.coordinator.decision.Fleet.Host.RUNS;
import static io.kmodfleet.coordinator.decision.Fleet.Host.builtFor;
import static io.kmodfleet.coordinator.decision.Fleet.Host.compiler;
import static io.kmodfleet.coordinator.decision.Fleet.Host.image;
import static io.kmodfleet.coordinator.decision.Fleet.Host.kernel;
import static io.kmodfleet.coordinator.decision.Fleet.Host.kernelBuiltBy;
import static io.kmodfleet.coordinator.decision.Fleet.Host.label;
import static io.kmodfleet.coordinator.decision.Fleet.Host.secureBoot;
import static io.kmodfleet.coordinator.decision.Fleet.LATE;
import static io.kmodfleet.coordinator.decision.Fleet.PACKAGE;
import static io.kmodfleet.coordinator.decision.Fleet.SOURCE;
import static io.kmodfleet.coordinator.decision.Fleet.TARGET;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.digest;
import static io.kmodfleet.coordinator.decision.Fleet.failed;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installFailed;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.late;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static io.kmodfleet.coordinator.decision.Fleet.storedLate;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.HostGroup;
import io.kmodfleet.contracts.Policy.Limits;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Policy.Window;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One test for each cell of the rule table that {@link DeciderTest} does not tell. */
@ExtendWith(Recorder.class)
class RuleTableTest {

    private static final KernelInterface NEEDS =
            new KernelInterface("SMP mod_unload ", 896, new TreeMap<>(Map.of("printk", "12345678")));

    // Rule 1

    @Test
    void a_module_that_belongs_into_the_initramfs_and_is_there_is_kept() {
        Fleet fleet = Fleet.with(policy(module -> wanted(module, true, false)));

        fleet.sees(reported("a", HAS_LOADED_MODULE));

        assertReason(fleet, "a", Decision.Keep.class, Reason.UP_TO_DATE);
    }

    // Rule 2

    @Test
    void a_module_of_another_image_is_replaced_because_it_is_stale() {
        Fleet fleet = Fleet.withPolicy();

        fleet.sees(reported("a", CAN_BUILD, MODULE_OF_ANOTHER_IMAGE));

        assertReason(fleet, "a", Decision.Build.class, Reason.STALE_BUILD);
        assertThat(fact(fleet, "a", "stale")).contains(digest("another image").brief());
    }

    @Test
    void a_module_that_is_older_than_its_image_is_stale_and_a_package_replaces_it() {
        Fleet fleet = proven();

        fleet.sees(reported("late", MODULE_OLDER_THAN_IMAGE));

        assertReason(fleet, "late", Decision.Reuse.class, Reason.STALE_BUILD);
        assertThat(fact(fleet, "late", "stale")).contains("before the image was installed");
    }

    @Test
    void a_host_that_waits_with_a_stale_module_is_told_so() {
        Fleet fleet = Fleet.withPolicy();
        fleet.sees(reported("a", CAN_BUILD));

        fleet.sees(reported("b", MODULE_OF_ANOTHER_IMAGE));

        assertReason(fleet, "b", Decision.Wait.class, Reason.BUILD_RUNNING);
        assertThat(fact(fleet, "b", "stale")).isNotEmpty();
    }

    // Rule 3

    @Test
    void a_right_module_that_is_not_loaded_where_its_kernel_runs_is_to_be_activated() {
        Fleet fleet = Fleet.withPolicy();

        List<Decision> decisions = fleet.sees(reported("a", HAS_MODULE, RUNS));

        assertReason(fleet, "a", Decision.Keep.class, Reason.NOT_ACTIVATED);
        assertThat(Command.carryingOut(decisions.get(0))).isInstanceOf(Command.ActivateModule.class);
        assertThat(fact(fleet, "a", "missing")).isEqualTo("not loaded");
    }

    @Test
    void a_right_module_that_is_missing_from_the_initramfs_is_to_be_activated_where_the_policy_wants_it_there() {
        Fleet fleet = Fleet.with(policy(module -> wanted(module, true, false)));
        Fleet other = Fleet.withPolicy();

        fleet.sees(reported("a", HAS_MODULE, NOT_IN_INITRAMFS));
        other.sees(reported("a", HAS_MODULE, NOT_IN_INITRAMFS));

        assertReason(fleet, "a", Decision.Keep.class, Reason.NOT_ACTIVATED);
        assertThat(fact(fleet, "a", "missing")).isEqualTo("not in the initramfs");
        assertReason(other, "a", Decision.Keep.class, Reason.UP_TO_DATE);
    }

    @Test
    void a_host_whose_agent_only_observes_is_not_told_to_activate() {
        Fleet fleet = Fleet.withPolicy();

        fleet.sees(reported("a", HAS_MODULE, RUNS, OBSERVES_ONLY));

        assertReason(fleet, "a", Decision.Wait.class, Reason.OBSERVE_ONLY);
    }

    // Rule 5 and section 5: recall

    @Test
    void a_recalled_package_goes_to_nobody_and_another_builder_builds() {
        Fleet fleet = proven();
        fleet.sees(reported("b2", CAN_BUILD));

        List<Decision> decisions = fleet.sees(recall());

        assertThat(fleet.standing(host("b2"))).isInstanceOf(Decision.Build.class);
        assertThat(decisions).noneMatch(Decision.Reuse.class::isInstance);
    }

    @Test
    void every_host_that_runs_a_recalled_package_is_answered_and_keeps_its_module_meanwhile() {
        Fleet fleet = proven();
        fleet.sees(reported("proven-a", CAN_BUILD, HAS_MODULE));
        fleet.sees(reported("b", HAS_MODULE));

        List<Decision> decisions = fleet.sees(recall());

        assertThat(decisions).extracting(decision -> decision.subject().host()).contains(host("proven-a"), host("b"));
        // The only host that can build made the recalled package.
        assertReason(fleet, "b", Decision.Reject.class, Reason.KNOWN_BAD);
        assertThat(fact(fleet, "b", "installedRecalled")).contains("crashes");
        assertThat(fleet.state().hostsWithPackage(TARGET, PACKAGE))
                .containsExactlyInAnyOrder(host("proven-a"), host("b"));
    }

    @Test
    void a_load_failure_anywhere_recalls_the_package() {
        Fleet fleet = proven();
        fleet.sees(reported("b"));
        fleet.sees(reported("c"));

        fleet.sees(new Observation.LoadFailed(host("b"), new DecisionId(1, 0), TARGET, PACKAGE, "Invalid argument"));

        assertReason(fleet, "c", Decision.Reject.class, Reason.KNOWN_BAD);
        assertThat(fact(fleet, "c", "recalled")).contains("b", "Invalid argument");
    }

    @Test
    void load_failures_recall_only_as_many_as_the_policy_says() {
        Fleet fleet = proven(policy(limits(Optional.empty(), Optional.empty(), Optional.of(2))));
        fleet.sees(reported("b"));
        fleet.sees(reported("c"));
        fleet.sees(reported("d"));

        fleet.sees(new Observation.LoadFailed(host("b"), new DecisionId(1, 0), TARGET, PACKAGE, "no"));

        assertReason(fleet, "b", Decision.Reject.class, Reason.INSTALL_FAILED);
        assertReason(fleet, "d", Decision.Reuse.class, Reason.PACKAGE_EXACT);

        fleet.sees(new Observation.LoadFailed(host("c"), new DecisionId(1, 0), TARGET, PACKAGE, "no"));

        assertReason(fleet, "d", Decision.Reject.class, Reason.KNOWN_BAD);
    }

    @Test
    void a_host_that_has_nothing_to_do_with_a_package_can_neither_prove_it_nor_speak_against_it() {
        Fleet fleet = Fleet.withPolicy();
        fleet.sees(reported("builder", CAN_BUILD));
        fleet.sees(built("builder", fleet.standing(host("builder"))));
        fleet.sees(stored());
        fleet.sees(reported("b"));

        fleet.sees(installFailed("stranger"));
        fleet.sees(installed("stranger"));

        assertReason(fleet, "b", Decision.Wait.class, Reason.CANARY_RUNNING);

        fleet.sees(installed("builder"));

        assertReason(fleet, "b", Decision.Reuse.class, Reason.PACKAGE_EXACT);
    }

    @Test
    void a_host_that_nobody_asked_to_build_cannot_say_that_a_kernel_is_not_for_the_module() {
        Fleet fleet = Fleet.withPolicy();
        fleet.sees(reported("b"));

        fleet.sees(new Observation.BuildFailed(
                host("stranger"),
                new DecisionId(1, 0),
                TARGET,
                Observation.FailureClass.NOT_APPLICABLE,
                Optional.of(77),
                "BUILD_EXCLUSIVE",
                Optional.empty()));
        fleet.sees(reported("a", CAN_BUILD));

        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Build.class);
    }

    @Test
    void a_host_that_was_never_told_to_install_a_package_cannot_have_it_recalled() {
        Fleet fleet = proven();
        fleet.sees(reported("b"));

        List<Decision> decisions =
                fleet.sees(new Observation.LoadFailed(host("stranger"), new DecisionId(1, 0), TARGET, PACKAGE, "no"));

        assertThat(decisions).isEmpty();
        assertReason(fleet, "b", Decision.Reuse.class, Reason.PACKAGE_EXACT);
    }

    @Test
    void recalled_as_often_as_the_policy_allows_a_target_is_known_bad_even_where_it_could_be_built() {
        Fleet fleet = proven(policy(limits(1)));
        fleet.sees(reported("b2", CAN_BUILD));

        fleet.sees(recall());

        assertReason(fleet, "b2", Decision.Reject.class, Reason.KNOWN_BAD);
    }

    // Waves

    @Test
    void a_proven_package_goes_out_in_waves_and_the_next_begins_when_the_one_before_reported_success() {
        Fleet fleet = waves(List.of(20, 50), 10);

        // With its canary, the first wave has two of ten hosts, the second has five.
        assertThat(served(fleet)).containsExactly("w0");
        fleet.sees(installed("w0"));
        assertThat(served(fleet)).containsExactly("w0", "w1", "w2", "w3");
        assertReason(fleet, "w4", Decision.Wait.class, Reason.WAVE_PENDING);
        fleet.sees(installed("w1"));
        fleet.sees(installed("w2"));
        assertThat(served(fleet)).containsExactly("w0", "w1", "w2", "w3");
        fleet.sees(installed("w3"));
        assertThat(served(fleet)).hasSize(9);
    }

    @Test
    void a_roll_out_with_too_many_failures_stops_and_goes_on_when_somebody_asks() {
        Fleet fleet = waves(List.of(20, 50), 10);

        fleet.sees(installFailed("w0"));

        assertReason(fleet, "w5", Decision.Wait.class, Reason.ROLLOUT_STOPPED);
        assertReason(fleet, "w0", Decision.Reject.class, Reason.INSTALL_FAILED);

        fleet.sees(new Observation.RetryRequested("ada", Optional.empty(), Optional.of(TARGET)));

        assertReason(fleet, "w0", Decision.Reuse.class, Reason.PACKAGE_EXACT);
        assertReason(fleet, "w5", Decision.Wait.class, Reason.WAVE_PENDING);
    }

    @Test
    void a_host_that_was_told_and_says_nothing_holds_up_nobody() {
        Fleet fleet = waves(List.of(20, 50), 10);

        fleet.waits();

        assertThat(fleet.now()).isEqualTo(Fleet.AT.plus(Duration.ofHours(1)));
        assertThat(served(fleet)).containsExactly("w0", "w1");
        fleet.sees(installed("w1"));
        assertThat(served(fleet)).containsExactly("w0", "w1", "w2", "w3", "w4");
    }

    @Test
    void a_canary_that_says_nothing_is_followed_by_another_one_and_still_heard_later() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(reported("c"));
        fleet.sees(built("a", build));
        fleet.sees(stored());
        assertReason(fleet, "b", Decision.Wait.class, Reason.CANARY_RUNNING);

        fleet.waits();

        assertReason(fleet, "b", Decision.Reuse.class, Reason.PACKAGE_EXACT);
        assertReason(fleet, "c", Decision.Wait.class, Reason.CANARY_RUNNING);
        fleet.sees(installed("a"));
        assertReason(fleet, "c", Decision.Reuse.class, Reason.PACKAGE_EXACT);
    }

    @Test
    void a_canary_that_has_installed_is_given_the_time_to_boot() {
        Fleet fleet = Fleet.with(Fleet.policy(Proof.LOAD));
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(built("a", build));
        fleet.sees(stored());

        fleet.sees(installed("a"));

        assertReason(fleet, "b", Decision.Wait.class, Reason.CANARY_RUNNING);
        assertThat(fleet.state().nextDeadline()).isEmpty();
    }

    // Rule 6

    @Test
    void a_proven_package_of_another_image_serves_where_every_symbol_is_the_same() {
        Fleet fleet = sharing(Binding.SYMBOL_CRC, NEEDS);

        List<Decision> decisions = fleet.sees(exports(NEEDS));

        assertThat(decisions).singleElement().isInstanceOfSatisfying(Decision.Reuse.class, reuse -> {
            assertThat(reuse.reason()).isEqualTo(Reason.PACKAGE_COMPATIBLE);
            assertThat(reuse.target()).isEqualTo(TARGET);
            assertThat(reuse.subject().host()).isEqualTo(host("other"));
        });
        fleet.sees(reported("other", image("other image"), HAS_MODULE, builtFor("image")));
        assertReason(fleet, "other", Decision.Keep.class, Reason.UP_TO_DATE);
    }

    @Test
    void one_crc_that_differs_the_size_of_struct_module_or_another_flag_keeps_it_away() {
        KernelInterface otherCrc =
                new KernelInterface(NEEDS.flags(), NEEDS.moduleSize(), new TreeMap<>(Map.of("printk", "00000000")));
        KernelInterface otherSize = new KernelInterface(NEEDS.flags(), 960, NEEDS.crcs());
        KernelInterface otherFlags = new KernelInterface("SMP preempt mod_unload ", NEEDS.moduleSize(), NEEDS.crcs());
        for (KernelInterface other : List.of(otherCrc, otherSize, otherFlags)) {
            Fleet fleet = sharing(Binding.SYMBOL_CRC, NEEDS);

            fleet.sees(exports(other));

            assertReason(fleet, "other", Decision.Reject.class, Reason.NO_BUILD_ENVIRONMENT);
        }
    }

    @Test
    void a_module_that_is_bound_to_its_image_is_never_shared_whatever_its_symbols() {
        Fleet fleet = sharing(Binding.EXACT_IMAGE, NEEDS);

        fleet.sees(exports(NEEDS));

        assertReason(fleet, "other", Decision.Reject.class, Reason.NO_BUILD_ENVIRONMENT);
    }

    @Test
    void a_host_that_nobody_can_build_for_is_told_that_its_exports_would_help() {
        Fleet fleet = sharing(Binding.SYMBOL_CRC, NEEDS);

        assertThat(fact(fleet, "other", "exports")).isEqualTo("not known of this kernel");
    }

    // Rule 7

    @Test
    void a_toolchain_that_failed_is_not_tried_again_and_another_one_is() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD, compiler("gcc (Debian) 12.2.0")))
                .get(0);
        fleet.sees(reported("a2", CAN_BUILD, compiler("gcc (Debian) 12.2.0")));

        fleet.sees(failed("a", build));

        assertReason(fleet, "a2", Decision.Reject.class, Reason.FAILED_TOO_OFTEN);
        assertThat(fact(fleet, "a2", "toolchains")).isEqualTo("gcc (Debian) 12.2.0");

        fleet.sees(reported("a3", CAN_BUILD, compiler("gcc (Debian) 12.3.0")));

        assertThat(fleet.standing(host("a3"))).isInstanceOf(Decision.Build.class);
    }

    @Test
    void a_host_whose_compiler_was_upgraded_is_asked_again() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD, compiler("gcc (Debian) 12.2.0")))
                .get(0);
        fleet.sees(failed("a", build));

        fleet.sees(reported("a", CAN_BUILD, compiler("gcc (Debian) 12.3.0")));

        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Build.class);
    }

    @Test
    void a_failure_outside_of_the_build_is_tried_again_after_a_pause_that_doubles() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);

        fleet.sees(broken("a", build));

        assertReason(fleet, "a", Decision.Wait.class, Reason.RETRY_LATER);
        assertThat(fact(fleet, "a", "until"))
                .isEqualTo(fleet.now().plus(Duration.ofMinutes(5)).toString());

        Decision second = fleet.waits().get(0);
        assertThat(second).isInstanceOf(Decision.Build.class);
        fleet.sees(broken("a", second));

        assertThat(fact(fleet, "a", "until"))
                .isEqualTo(fleet.now().plus(Duration.ofMinutes(10)).toString());
    }

    @Test
    void a_failure_of_a_build_that_nobody_ordered_counts_for_nothing() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        for (int i = 0; i < 5; i++) {
            fleet.sees(failed("stranger", build));
        }

        fleet.sees(reported("b"));

        assertReason(fleet, "b", Decision.Wait.class, Reason.BUILD_RUNNING);
        fleet.sees(built("a", build));
        fleet.sees(stored());
        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Reuse.class);
    }

    // Rule 10: overdue builds

    @Test
    void an_overdue_build_is_given_to_another_host() {
        Fleet fleet = Fleet.withPolicy();
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        assertThat(fleet.state().nextDeadline().orElseThrow().at()).isEqualTo(Fleet.AT.plus(Duration.ofHours(1)));

        List<Decision> decisions = fleet.waits();

        assertThat(decisions).anySatisfy(decision -> {
            assertThat(decision).isInstanceOf(Decision.Build.class);
            assertThat(decision.subject().host()).isEqualTo(host("a2"));
        });
        assertReason(fleet, "a", Decision.Wait.class, Reason.BUILD_ELSEWHERE);
        assertThat(first.id()).isNotEqualTo(fleet.standing(host("a2")).id());
    }

    @Test
    void the_late_result_of_an_overdue_build_is_kept_as_a_second_opinion_and_not_installed_over_the_first() {
        Fleet fleet = Fleet.withPolicy();
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.waits();
        Decision second = fleet.standing(host("a2"));
        fleet.sees(built("a2", second));
        fleet.sees(stored());
        fleet.sees(installed("a2"));

        fleet.sees(late("a", first));
        List<Decision> decisions = fleet.sees(storedLate(BODY));

        assertThat(decisions).isEmpty();
        fleet.sees(reported("b"));
        assertThat(((Decision.Reuse) fleet.standing(host("b"))).packageDigest()).isEqualTo(PACKAGE);
        assertThat(fleet.state().opinions(TARGET)).containsExactly(PACKAGE, LATE);
    }

    @Test
    void the_late_result_that_comes_before_the_second_build_ends_serves_everybody() {
        Fleet fleet = Fleet.withPolicy();
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.waits();

        fleet.sees(built("a", first));
        fleet.sees(stored());
        fleet.sees(installed("a"));
        fleet.sees(reported("b"));

        assertReason(fleet, "b", Decision.Reuse.class, Reason.PACKAGE_EXACT);
        assertThat(fleet.state().buildsUnderWay()).isEqualTo(1);
    }

    @Test
    void an_overdue_message_for_a_build_that_ended_decides_nothing() {
        Fleet fleet = Fleet.withPolicy();
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(built("a", build));
        fleet.sees(stored());

        assertThat(fleet.sees(new Observation.BuildOverdue(TARGET, build.id()))).isEmpty();
    }

    // Rule 11

    @Test
    void a_module_that_reads_the_symbol_map_waits_for_the_first_boot_and_is_built_where_the_map_is() {
        Fleet fleet = Fleet.with(policy(module -> wanted(module, false, true)));
        fleet.sees(reported("a", CAN_BUILD));
        assertReason(fleet, "a", Decision.Wait.class, Reason.WAITING_FOR_FIRST_BOOT);

        fleet.sees(reported("booted", CAN_BUILD, READS_MAP));

        assertThat(fleet.standing(host("booted"))).isInstanceOf(Decision.Build.class);
        assertReason(fleet, "a", Decision.Wait.class, Reason.BUILD_RUNNING);
    }

    // Rule 12

    @Test
    void as_many_builds_run_at_once_as_the_policy_allows_and_who_asked_first_is_served_first() {
        Fleet fleet = Fleet.with(policy(limits(Optional.of(1), Optional.empty(), Optional.empty())));
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("c", CAN_BUILD, image("third")));
        fleet.sees(reported("b", CAN_BUILD, image("second")));
        assertReason(fleet, "c", Decision.Wait.class, Reason.BUILD_LIMIT);

        fleet.sees(failed("a", build));

        assertThat(fleet.standing(host("c"))).isInstanceOf(Decision.Build.class);
        assertReason(fleet, "b", Decision.Wait.class, Reason.BUILD_LIMIT);
    }

    @Test
    void outside_of_its_maintenance_window_a_host_does_not_build_and_when_it_opens_it_does() {
        Fleet fleet = Fleet.with(policy(
                List.of(group("all", Map.of(), Optional.empty(), Optional.of("nights"))),
                List.of(new Window("nights", List.of(), "22:00", "23:00", Optional.empty()))));
        fleet.sees(reported("a", CAN_BUILD));
        assertReason(fleet, "a", Decision.Wait.class, Reason.OUTSIDE_WINDOW);
        assertThat(fact(fleet, "a", "until")).isEqualTo("2026-11-23T22:00:00Z");

        fleet.waits();

        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Build.class);
    }

    @Test
    void preflight_says_when_the_window_opens_where_those_of_all_who_could_build_are_closed() {
        Fleet fleet = Fleet.with(policy(
                List.of(group("nightly", Map.of("role", "night"), Optional.empty(), Optional.of("nights"))),
                List.of(new Window("nights", List.of(), "22:00", "23:00", Optional.empty()))));
        fleet.sees(reported("a", CAN_BUILD));
        assertThat(preflight(fleet).opens())
                .as("the window is none of this host's")
                .isEmpty();

        Fleet bound = Fleet.with(policy(
                List.of(group("all", Map.of(), Optional.empty(), Optional.of("nights"))),
                List.of(new Window("nights", List.of(), "22:00", "23:00", Optional.empty()))));
        bound.sees(reported("a", CAN_BUILD));

        assertThat(preflight(bound).opens()).contains(Instant.parse("2026-11-23T22:00:00Z"));
        assertThat(preflight(bound).build()).isZero();
    }

    private static Preflight.Line preflight(Fleet fleet) {
        return Preflight.of(
                        fleet.state(),
                        new KernelIdentity(
                                "x86_64",
                                "6.1.0-99-amd64",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()))
                .modules()
                .get(0);
    }

    @Test
    void a_window_that_somebody_only_says_is_open_stays_closed() {
        Fleet fleet = Fleet.with(policy(
                List.of(group("all", Map.of(), Optional.empty(), Optional.of("nights"))),
                List.of(new Window("nights", List.of(), "22:00", "23:00", Optional.empty()))));
        fleet.sees(reported("a", CAN_BUILD));

        assertThat(fleet.sees(new Observation.DeadlinePassed(TARGET, Reason.OUTSIDE_WINDOW)))
                .isEmpty();
        assertThat(fleet.state().nextDeadline()).isPresent();
    }

    @Test
    void a_host_without_a_window_builds_for_those_whose_window_is_closed() {
        Fleet fleet = Fleet.with(policy(
                List.of(group("night", Map.of("role", "db"), Optional.empty(), Optional.of("nights"))),
                List.of(new Window("nights", List.of(), "22:00", "23:00", Optional.empty()))));
        fleet.sees(reported("a", CAN_BUILD, label("role", "db")));

        fleet.sees(reported("z", CAN_BUILD));

        assertThat(fleet.standing(host("z"))).isInstanceOf(Decision.Build.class);
        assertReason(fleet, "a", Decision.Wait.class, Reason.BUILD_RUNNING);
    }

    // Rule 13

    @Test
    void with_secure_boot_a_package_waits_until_the_signing_key_is_enrolled() {
        Fleet fleet = proven(signed());

        fleet.sees(reported("b", secureBoot("another key")));
        assertReason(fleet, "b", Decision.Wait.class, Reason.KEY_NOT_ENROLLED);
        fleet.sees(reported("b", secureBoot("another key", "fleet key")));

        assertReason(fleet, "b", Decision.Reuse.class, Reason.PACKAGE_EXACT);
    }

    @Test
    void with_secure_boot_and_no_signing_key_in_the_policy_nothing_is_built_for_nothing() {
        Fleet fleet = Fleet.withPolicy();

        fleet.sees(reported("a", CAN_BUILD, secureBoot("some key")));

        assertReason(fleet, "a", Decision.Wait.class, Reason.KEY_NOT_ENROLLED);
    }

    // Rules 14 and 15: the election

    @Test
    void a_host_whose_compiler_is_of_another_major_version_than_the_kernels_does_not_build() {
        Fleet fleet = Fleet.withPolicy();

        fleet.sees(reported("a", CAN_BUILD, compiler("gcc (Debian) 13.1.0"), kernelBuiltBy("gcc-12 (Debian) 12.2.0")));

        assertReason(fleet, "a", Decision.Reject.class, Reason.NO_BUILD_ENVIRONMENT);
        assertThat(fact(fleet, "a", "kernelBuiltBy")).contains("12.2.0");
    }

    @Test
    void only_hosts_of_trusted_domains_build() {
        Policy policy = policy(
                List.of(
                        group(
                                "farm",
                                Map.of("role", "builder"),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.of("farm")),
                        group("rest", Map.of("role", "web"), Optional.empty(), Optional.empty(), Optional.of("web"))),
                List.of(),
                Optional.of(new Policy.Trust(List.of("farm"), Optional.empty())));
        Fleet fleet = Fleet.with(policy);
        fleet.sees(reported("a", CAN_BUILD, label("role", "web")));
        assertReason(fleet, "a", Decision.Reject.class, Reason.NO_BUILD_ENVIRONMENT);
        assertThat(fact(fleet, "a", "policy")).isEqualTo("does not let this host build");

        fleet.sees(reported("z", CAN_BUILD, label("role", "builder")));

        assertThat(fleet.standing(host("z"))).isInstanceOf(Decision.Build.class);
        assertReason(fleet, "a", Decision.Wait.class, Reason.BUILD_RUNNING);
    }

    @Test
    void of_two_that_can_the_less_busy_builds() {
        Fleet fleet = Fleet.withoutSource(Fleet.policy(Proof.INSTALL));
        fleet.sees(twoKernels("a"));
        fleet.sees(twoKernels("a2"));

        List<Decision> decisions =
                fleet.sees(new Observation.SourceStored(SOURCE, "v4l2loopback", "0.12.7", Binding.SYMBOL_CRC));

        assertThat(decisions)
                .filteredOn(Decision.Build.class::isInstance)
                .extracting(decision -> decision.subject().host())
                .containsExactlyInAnyOrder(host("a"), host("a2"));
    }

    // Consent and groups

    @Test
    void hosts_of_a_group_that_may_not_be_changed_are_told_so() {
        Fleet fleet = proven(policy(
                List.of(group("frozen", Map.of("role", "frozen"), Optional.of(false), Optional.empty())), List.of()));

        fleet.sees(reported("b", label("role", "frozen")));

        assertReason(fleet, "b", Decision.Wait.class, Reason.CONSENT_MISSING);
    }

    @Test
    void groups_want_modules_of_their_own() {
        Digest other = digest("other source");
        HostGroup group = new HostGroup(
                "databases",
                new TreeMap<>(Map.of("role", "db")),
                List.of(new WantedModule(
                        "v4l2loopback",
                        "0.13.0",
                        other,
                        Binding.SYMBOL_CRC,
                        Proof.INSTALL,
                        Optional.empty(),
                        Optional.empty())),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        Fleet fleet = Fleet.with(policy(List.of(group), List.of()));
        fleet.sees(new Observation.SourceStored(other, "v4l2loopback", "0.13.0", Binding.SYMBOL_CRC));

        fleet.sees(reported("db", CAN_BUILD, label("role", "db")));
        fleet.sees(reported("web", CAN_BUILD));

        assertThat(((Decision.Build) fleet.standing(host("db"))).target().source())
                .isEqualTo(other);
        assertThat(((Decision.Build) fleet.standing(host("web"))).target().source())
                .isEqualTo(SOURCE);
    }

    // Rules 9 and 8 come before building, whatever else

    @Test
    void no_rule_after_a_missing_image_can_build() {
        Fleet fleet = Fleet.withPolicy();

        fleet.sees(reported("a", CAN_BUILD, NO_IMAGE));
        fleet.sees(reported("b", CAN_BUILD, kernel("6.12.0-1-amd64")));

        assertReason(fleet, "a", Decision.Wait.class, Reason.IMAGE_NOT_INSTALLED);
        assertReason(fleet, "b", Decision.Reject.class, Reason.KERNEL_OUT_OF_RANGE);
    }

    // Fixtures

    private static Observation twoKernels(String name) {
        var first = ((Observation.HostReported) reported(name, CAN_BUILD)).report();
        var second = ((Observation.HostReported) reported(name, CAN_BUILD, image("second"), kernel("6.1.0-57-amd64")))
                .report();
        List<io.kmodfleet.contracts.KernelState> kernels = new ArrayList<>(first.kernels());
        kernels.addAll(second.kernels());
        return new Observation.HostReported(
                host(name),
                new io.kmodfleet.contracts.HostReport(
                        first.hostname(),
                        first.os(),
                        first.arch(),
                        first.observeOnly(),
                        first.checks(),
                        kernels,
                        first.labels(),
                        first.compiler(),
                        first.secureBoot()));
    }

    /** A fleet in which host {@code proven-a} built, and installed what it built. */
    private static Fleet proven() {
        return proven(Fleet.policy(Proof.INSTALL));
    }

    private static Fleet proven(Policy policy) {
        Fleet fleet = Fleet.with(policy);
        Decision build = fleet.sees(reported("proven-a", CAN_BUILD)).get(0);
        fleet.sees(built("proven-a", build));
        fleet.sees(stored());
        fleet.sees(installed("proven-a"));
        return fleet;
    }

    /** Ten hosts with one image, {@code proven-a} and w0 to w8, of which the first built the package. */
    private static Fleet waves(List<Integer> waves, int failurePercent) {
        Fleet fleet = Fleet.with(with(
                Fleet.policy(Proof.INSTALL),
                Limits.ofFailures(2),
                List.of(),
                List.of(),
                Optional.of(new Policy.Rollout(waves, failurePercent)),
                Optional.empty()));
        Decision build = fleet.sees(reported("proven-a", CAN_BUILD)).get(0);
        for (int i = 0; i < 9; i++) {
            fleet.sees(reported("w" + i));
        }
        fleet.sees(built("proven-a", build));
        fleet.sees(stored());
        fleet.sees(installed("proven-a"));
        return fleet;
    }

    private static List<String> served(Fleet fleet) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            if (fleet.standing(host("w" + i)) instanceof Decision.Reuse) {
                names.add("w" + i);
            }
        }
        return names;
    }

    /** A proven package of one image, and host {@code other} with another image and no compiler. */
    private static Fleet sharing(Binding binding, KernelInterface needs) {
        WantedModule module = Fleet.wanted(Proof.INSTALL);
        Fleet fleet = Fleet.with(policy(any -> new WantedModule(
                module.name(),
                module.version(),
                module.source(),
                binding,
                module.proof(),
                module.initramfs(),
                module.symbolMap())));
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(built("a", build));
        fleet.sees(new Observation.PackageStored(
                PACKAGE, TARGET, "v4l2loopback", "0.12.7", List.of(BODY), Optional.of(needs)));
        fleet.sees(installed("a"));
        fleet.sees(reported("other", image("other image")));
        return fleet;
    }

    private static Observation exports(KernelInterface offered) {
        return new Observation.KernelExportsReported(
                host("other"), "x86_64", Fleet.KERNEL, digest("other image"), offered);
    }

    private static Observation recall() {
        return new Observation.PackageRecalled("ada", TARGET, PACKAGE, "crashes on resume");
    }

    private static Observation broken(String name, Decision build) {
        return new Observation.BuildFailed(
                host(name),
                build.id(),
                TARGET,
                FailureClass.INFRASTRUCTURE,
                Optional.empty(),
                "no space left on device",
                Optional.empty());
    }

    private static WantedModule wanted(WantedModule module, boolean initramfs, boolean symbolMap) {
        return new WantedModule(
                module.name(),
                module.version(),
                module.source(),
                module.binding(),
                module.proof(),
                Optional.of(initramfs),
                Optional.of(symbolMap));
    }

    private static HostGroup group(
            String name, Map<String, String> labels, Optional<Boolean> change, Optional<String> window) {
        return group(name, labels, change, window, Optional.empty());
    }

    private static HostGroup group(
            String name,
            Map<String, String> labels,
            Optional<Boolean> change,
            Optional<String> window,
            Optional<String> trustDomain) {
        return new HostGroup(
                name, new TreeMap<>(labels), List.of(), List.of(), Optional.empty(), change, window, trustDomain);
    }

    private static Limits limits(int failures) {
        return Limits.ofFailures(failures);
    }

    private static Limits limits(
            Optional<Integer> buildsAtOnce, Optional<Integer> buildMinutes, Optional<Integer> loadFailures) {
        return new Limits(2, buildsAtOnce, buildMinutes, Optional.empty(), Optional.empty(), loadFailures);
    }

    private static Policy policy(UnaryOperator<WantedModule> module) {
        Policy policy = Fleet.policy(Proof.INSTALL);
        return new Policy(
                policy.schema(),
                policy.platformRelease(),
                policy.kernels(),
                policy.architectures(),
                policy.systems(),
                policy.modules().stream().map(module).toList(),
                policy.limits(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private static Policy policy(Limits limits) {
        return with(Fleet.policy(Proof.INSTALL), limits, List.of(), List.of(), Optional.empty(), Optional.empty());
    }

    private static Policy policy(List<HostGroup> groups, List<Window> windows) {
        return policy(groups, windows, Optional.empty());
    }

    private static Policy policy(List<HostGroup> groups, List<Window> windows, Optional<Policy.Trust> trust) {
        return with(Fleet.policy(Proof.INSTALL), Limits.ofFailures(2), groups, windows, Optional.empty(), trust);
    }

    private static Policy signed() {
        return policy(List.of(), List.of(), Optional.of(new Policy.Trust(List.of(), Optional.of("fleet key"))));
    }

    private static Policy with(
            Policy policy,
            Limits limits,
            List<HostGroup> groups,
            List<Window> windows,
            Optional<Policy.Rollout> rollout,
            Optional<Policy.Trust> trust) {
        return new Policy(
                policy.schema(),
                policy.platformRelease(),
                policy.kernels(),
                policy.architectures(),
                policy.systems(),
                policy.modules(),
                limits,
                groups,
                windows,
                rollout,
                trust,
                Optional.empty());
    }

    private static void assertReason(Fleet fleet, String name, Class<? extends Decision> kind, Reason reason) {
        assertThat(fleet.standing(host(name))).isInstanceOf(kind);
        assertThat(fleet.standing(host(name)).reason()).isEqualTo(reason);
    }

    private static String fact(Fleet fleet, String name, String fact) {
        return fleet.standing(host(name)).facts().stream()
                .filter(known -> known.name().equals(fact))
                .map(io.kmodfleet.contracts.Fact::value)
                .findFirst()
                .orElse("");
    }
}
