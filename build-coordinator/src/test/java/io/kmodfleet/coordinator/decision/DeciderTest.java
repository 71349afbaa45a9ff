package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.ALPINE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.ANOTHER_IMAGE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.ARM;
import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_LOADED_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.NO_IMAGE;
import static io.kmodfleet.coordinator.decision.Fleet.Host.OBSERVES_ONLY;
import static io.kmodfleet.coordinator.decision.Fleet.Host.UBUNTU;
import static io.kmodfleet.coordinator.decision.Fleet.Host.kernel;
import static io.kmodfleet.coordinator.decision.Fleet.PACKAGE;
import static io.kmodfleet.coordinator.decision.Fleet.TARGET;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.failed;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installFailed;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Recorder.class)
class DeciderTest {

    private Fleet fleet;

    @BeforeEach
    void begin() {
        fleet = Fleet.withPolicy();
    }

    @Test
    void the_first_host_that_can_build_builds() {
        List<Decision> decisions = fleet.sees(reported("a", CAN_BUILD));

        assertThat(decisions).singleElement().isInstanceOfSatisfying(Decision.Build.class, build -> {
            assertThat(build.reason()).isEqualTo(Reason.NO_PACKAGE);
            assertThat(build.target()).isEqualTo(TARGET);
            assertThat(build.id()).isEqualTo(new DecisionId(3, 0));
        });
    }

    @Test
    void a_second_host_with_the_same_kernel_waits_for_the_running_build() {
        fleet.sees(reported("a", CAN_BUILD));

        assertThat(fleet.sees(reported("a2", CAN_BUILD)))
                .singleElement()
                .isInstanceOf(Decision.Wait.class)
                .extracting(Decision::reason)
                .isEqualTo(Reason.BUILD_RUNNING);
    }

    @Test
    void a_host_that_cannot_build_has_another_host_build_for_it() {
        fleet.sees(reported("a", CAN_BUILD, HAS_MODULE));

        List<Decision> decisions = fleet.sees(reported("b"));

        assertThat(decisions).extracting(Decision::reason).containsExactly(Reason.NO_PACKAGE, Reason.BUILD_ELSEWHERE);
        assertThat(decisions.get(0).subject().host()).isEqualTo(host("a"));
        assertThat(decisions.get(1).facts()).contains(Fact.of("builder", "a"));
    }

    @Test
    void a_host_that_waits_for_a_build_elsewhere_is_not_told_again_while_it_runs() {
        fleet.sees(reported("a", CAN_BUILD, HAS_MODULE));
        fleet.sees(reported("b"));

        assertThat(fleet.sees(reported("b"))).isEmpty();
    }

    @Test
    void when_nobody_can_build_every_missing_piece_is_named_with_what_supplies_it() {
        List<Decision> decisions = fleet.sees(reported("b"));

        assertThat(decisions).singleElement().isInstanceOfSatisfying(Decision.Reject.class, reject -> {
            assertThat(reject.reason()).isEqualTo(Reason.NO_BUILD_ENVIRONMENT);
            assertThat(reject.missing()).singleElement().satisfies(check -> {
                assertThat(check.piece()).isEqualTo(Piece.DKMS);
                assertThat(check.remedy()).isEqualTo("apt-get install dkms");
            });
        });
    }

    @Test
    void a_rejected_host_is_answered_anew_when_a_builder_appears() {
        fleet.sees(reported("b"));

        List<Decision> decisions = fleet.sees(reported("a", CAN_BUILD));

        assertThat(decisions).extracting(Decision::reason).containsExactly(Reason.NO_PACKAGE, Reason.BUILD_RUNNING);
    }

    @Test
    void the_builder_tries_its_package_before_anybody_else_gets_it() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(built("a", build));

        fleet.sees(stored());

        assertThat(fleet.standing(host("a"))).isInstanceOf(Decision.Reuse.class);
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.CANARY_RUNNING);
    }

    @Test
    void a_build_that_is_reported_before_its_package_is_stored_is_not_given_again() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));

        assertThat(fleet.sees(built("a", build))).isEmpty();
        assertThat(fleet.sees(reported("a2", CAN_BUILD)))
                .extracting(Decision::reason)
                .containsExactly(Reason.BUILD_RUNNING);
        assertThat(fleet.sees(stored())).first().isInstanceOf(Decision.Reuse.class);
    }

    @Test
    void everyone_who_waited_gets_the_package_in_the_order_they_asked() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        List.of("h", "c", "g").forEach(name -> fleet.sees(reported(name)));
        fleet.sees(stored());
        fleet.sees(built("a", build));

        List<Decision> decisions = fleet.sees(installed("a"));

        assertThat(decisions).allSatisfy(decision -> assertThat(decision)
                .isInstanceOfSatisfying(Decision.Reuse.class, reuse -> assertThat(reuse.packageDigest())
                        .isEqualTo(PACKAGE)));
        assertThat(decisions)
                .extracting(decision -> decision.subject().host())
                .containsExactly(host("h"), host("c"), host("g"));
    }

    @Test
    void a_late_host_reuses_at_once_and_keeps_what_it_installed() {
        proven();

        assertThat(fleet.sees(reported("late"))).singleElement().isInstanceOf(Decision.Reuse.class);
        assertThat(fleet.sees(reported("late", HAS_MODULE)))
                .singleElement()
                .extracting(Decision::reason)
                .isEqualTo(Reason.UP_TO_DATE);
    }

    @Test
    void another_image_of_the_same_release_never_gets_the_package() {
        proven();

        assertThat(fleet.sees(reported("d", ANOTHER_IMAGE)))
                .singleElement()
                .extracting(Decision::reason)
                .isEqualTo(Reason.NO_BUILD_ENVIRONMENT);
    }

    @Test
    void a_package_that_nobody_ordered_is_never_offered() {
        fleet.sees(reported("b"));

        fleet.sees(stored());
        fleet.sees(new Observation.BuildSucceeded(
                host("b"), new DecisionId(99, 0), TARGET, PACKAGE, Fleet.digest("log"), 1));

        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.NO_BUILD_ENVIRONMENT);
    }

    @Test
    void a_policy_that_asks_for_load_is_not_content_with_installation() {
        fleet.sees(new Observation.PolicyPublished("ada", Fleet.policy(Proof.LOAD)));
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(stored());
        fleet.sees(built("a", build));
        fleet.sees(installed("a"));
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.CANARY_RUNNING);

        fleet.sees(reported("a", CAN_BUILD, HAS_LOADED_MODULE));

        assertThat(fleet.sees(reported("c"))).singleElement().isInstanceOf(Decision.Reuse.class);
    }

    @Test
    void hosts_that_waited_for_a_load_get_the_package_when_the_canary_has_booted_it() {
        fleet.sees(new Observation.PolicyPublished("ada", Fleet.policy(Proof.LOAD)));
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(stored());
        fleet.sees(built("a", build));
        fleet.sees(installed("a"));

        fleet.sees(reported("a", CAN_BUILD, HAS_LOADED_MODULE));

        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Reuse.class);
    }

    @Test
    void where_the_canary_cannot_install_it_the_next_host_tries() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));
        fleet.sees(reported("c"));
        fleet.sees(stored());
        fleet.sees(built("a", build));

        fleet.sees(installFailed("a"));

        assertThat(fleet.standing(host("a")).reason()).isEqualTo(Reason.INSTALL_FAILED);
        assertThat(fleet.standing(host("b"))).isInstanceOf(Decision.Reuse.class);
        assertThat(fleet.standing(host("c")).reason()).isEqualTo(Reason.CANARY_RUNNING);
    }

    @Test
    void a_failed_build_is_tried_again_as_often_as_the_policy_allows_and_by_somebody_else_first() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("a2", CAN_BUILD));

        fleet.sees(failed("a", first));
        Decision second = fleet.standing(host("a2"));
        fleet.sees(failed("a2", second));

        assertThat(second).isInstanceOf(Decision.Build.class);
        assertThat(fleet.standing(host("a")).reason()).isEqualTo(Reason.FAILED_TOO_OFTEN);
        assertThat(fleet.standing(host("a2")).reason()).isEqualTo(Reason.FAILED_TOO_OFTEN);
    }

    @Test
    void a_build_that_failed_is_given_to_the_same_host_again_under_a_new_id_when_somebody_asks() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(failed("a", first));

        List<Decision> again =
                fleet.sees(new Observation.RetryRequested("ada", Optional.of(host("a")), Optional.empty()));

        assertThat(again).singleElement().isInstanceOf(Decision.Build.class);
        assertThat(again.get(0).id()).isNotEqualTo(first.id());
    }

    @Test
    void publishing_the_policy_again_asks_for_what_failed() {
        Decision first = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(failed("a", first));

        assertThat(fleet.sees(new Observation.PolicyPublished("ada", Fleet.policy(Proof.INSTALL))))
                .singleElement()
                .isInstanceOf(Decision.Build.class);
    }

    @Test
    void a_source_that_says_the_kernel_is_not_for_it_is_believed_for_every_host() {
        Decision build = fleet.sees(reported("a", CAN_BUILD)).get(0);
        fleet.sees(reported("b"));

        fleet.sees(new Observation.BuildFailed(
                host("a"),
                build.id(),
                TARGET,
                Observation.FailureClass.NOT_APPLICABLE,
                Optional.of(77),
                "BUILD_EXCLUSIVE_CONFIG",
                Optional.empty()));

        assertThat(fleet.standing(host("a")).reason()).isEqualTo(Reason.NOT_APPLICABLE);
        assertThat(fleet.standing(host("b")).reason()).isEqualTo(Reason.NOT_APPLICABLE);
    }

    @Test
    void a_kernel_out_of_range_is_refused_even_where_it_could_be_built() {
        assertThat(fleet.sees(reported("c", CAN_BUILD, kernel("6.12.117+deb12-amd64"))))
                .singleElement()
                .satisfies(decision -> {
                    assertThat(decision).isInstanceOf(Decision.Reject.class);
                    assertThat(decision.reason()).isEqualTo(Reason.KERNEL_OUT_OF_RANGE);
                    assertThat(decision.facts()).contains(Fact.of("supported", "5.15 to 6.8"));
                });
    }

    @Test
    void systems_platforms_and_architectures_are_refused_each_with_its_reason() {
        assertThat(fleet.sees(reported("x", ALPINE)).get(0).reason()).isEqualTo(Reason.OS_UNSUPPORTED);
        assertThat(fleet.sees(reported("y", UBUNTU)).get(0).reason()).isEqualTo(Reason.PLATFORM_TOO_OLD);
        assertThat(fleet.sees(reported("z", ARM)).get(0).reason()).isEqualTo(Reason.ARCH_UNSUPPORTED);
    }

    @Test
    void headers_without_an_image_wait_for_the_image() {
        assertThat(fleet.sees(reported("a", CAN_BUILD, NO_IMAGE)).get(0).reason())
                .isEqualTo(Reason.IMAGE_NOT_INSTALLED);
        assertThat(fleet.sees(reported("a", CAN_BUILD))).singleElement().isInstanceOf(Decision.Build.class);
    }

    @Test
    void a_host_whose_agent_only_observes_is_never_told_to_act() {
        assertThat(fleet.sees(reported("a", CAN_BUILD, OBSERVES_ONLY)).get(0).reason())
                .isEqualTo(Reason.OBSERVE_ONLY);
        Fleet proven = fleet;
        proven();
        assertThat(proven.sees(reported("b", OBSERVES_ONLY)).get(0).reason()).isEqualTo(Reason.OBSERVE_ONLY);
    }

    @Test
    void without_the_source_nothing_is_built_and_with_it_everything() {
        Fleet fresh = new Fleet();
        fresh.sees(new Observation.PolicyPublished("ada", Fleet.policy(Proof.INSTALL)));
        assertThat(fresh.sees(reported("a", CAN_BUILD)).get(0).reason()).isEqualTo(Reason.SOURCE_NOT_PUBLISHED);

        assertThat(fresh.sees(new Observation.SourceStored(
                        Fleet.SOURCE, "v4l2loopback", "0.12.7", io.kmodfleet.contracts.Binding.SYMBOL_CRC)))
                .singleElement()
                .isInstanceOf(Decision.Build.class);
    }

    @Test
    void an_agent_that_lost_its_memory_is_told_everything_again_and_its_build_is_given_anew() {
        fleet.sees(reported("a", CAN_BUILD));
        fleet.sees(reported("a2", CAN_BUILD));
        fleet.startsCountingAnew();

        List<Decision> decisions = fleet.sees(reported("a", CAN_BUILD));

        assertThat(decisions).first().isInstanceOf(Decision.Build.class);
        assertThat(decisions.stream().filter(Decision.Build.class::isInstance)).hasSize(1);
    }

    @Test
    void a_repeat_is_recognised_and_a_gap_is_seen_whatever_the_epoch() {
        fleet.sees(reported("a", CAN_BUILD));
        var second = fleet.next(reported("a"));
        var third = fleet.next(reported("a", CAN_BUILD));

        assertThat(fleet.state().missesOneBefore(third)).isTrue();
        assertThat(fleet.state().missesOneBefore(second)).isFalse();
        fleet.takes(second);
        assertThat(fleet.state().holds(second)).isTrue();
        fleet.startsCountingAnew();
        fleet.sees(reported("a"));
        assertThat(fleet.state().holds(third)).isTrue();
    }

    @Test
    void ten_hosts_that_cannot_build_and_two_that_can_cause_one_build() {
        List<String> names = List.of("b1", "b2", "b3", "a1", "b4", "b5", "b6", "b7", "a2", "b8", "b9", "b10");
        List<Decision> all = new ArrayList<>();
        for (String name : names) {
            all.addAll(fleet.sees(name.startsWith("a") ? reported(name, CAN_BUILD) : reported(name)));
        }

        assertThat(all.stream().filter(Decision.Build.class::isInstance)).hasSize(1);
    }

    @Test
    void settling_the_recorded_decisions_gives_the_state_that_deciding_gave() {
        proven();
        fleet.sees(reported("b"));
        fleet.sees(reported("d", ANOTHER_IMAGE));

        FleetState recovered = FleetState.empty();
        for (int i = 0; i < fleet.history().size(); i++) {
            recovered = Step.settle(
                    recovered, fleet.history().get(i), Fleet.AT, fleet.decided().get(i), Step.RULES);
            assertThat(recovered.position()).isEqualTo(i + 1);
        }

        for (String name : List.of("proven-a", "b", "d")) {
            assertThat(recovered.standing(host(name))).isEqualTo(fleet.state().standing(host(name)));
        }
        var next = fleet.next(reported("late"));
        assertThat(Step.take(recovered, next, Fleet.AT).decisions())
                .isEqualTo(Step.take(fleet.state(), next, Fleet.AT).decisions());
    }

    private void proven() {
        Decision build = fleet.sees(reported("proven-a", CAN_BUILD)).stream()
                .filter(Decision.Build.class::isInstance)
                .findFirst()
                .orElseThrow();
        fleet.sees(stored());
        fleet.sees(built("proven-a", build));
        fleet.sees(installed("proven-a"));
    }
}
