package io.kmodfleet.coordinator.audit;

import static io.kmodfleet.coordinator.audit.Histories.lines;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.WhatIf.Answer;
import io.kmodfleet.coordinator.audit.WhatIf.Change;
import io.kmodfleet.coordinator.audit.WhatIf.Count;
import io.kmodfleet.coordinator.audit.WhatIf.Outcome;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class WhatIfTest {

    private static final String WAITED = "rules-1/everyone_who_waited_gets_the_package_in_the_order_they_asked.jsonl";

    @Test
    void the_policy_in_force_again_changes_nothing() throws IOException {
        for (String name : List.of(WAITED, "rules-1/headers_without_an_image_wait_for_the_image.jsonl")) {
            List<LedgerEntry> history = Histories.read(name);

            Outcome outcome = whatIf(history, policyOf(history), Optional.empty());

            assertThat(outcome.changes()).as(name).isEmpty();
            assertThat(outcome.hostsChanged()).isZero();
            assertThat(outcome.counts())
                    .allSatisfy(count -> assertThat(count.before()).isEqualTo(count.after()));
        }
    }

    @Test
    void a_narrower_kernel_range_lists_exactly_the_hosts_that_are_outside_and_have_nothing_yet() throws IOException {
        List<LedgerEntry> history =
                Histories.read("rules-1/ten_hosts_that_cannot_build_and_two_that_can_cause_one_build.jsonl");
        Policy narrow = with(policyOf(history), "/kernels", "from", "6.2");

        Outcome outcome = whatIf(history, narrow, Optional.empty());

        Set<HostId> known = Set.copyOf(stateOf(history).state().hostIds());
        assertThat(known).hasSize(12);
        assertThat(outcome.changes().stream().map(Change::host).collect(Collectors.toSet()))
                .isEqualTo(known);
        assertThat(outcome.changes()).allSatisfy(change -> assertThat(change.after())
                .contains(new Answer("reject", Reason.KERNEL_OUT_OF_RANGE, "")));
        assertThat(outcome.counts()).contains(new Count("reject", "KERNEL_OUT_OF_RANGE", 0, 12));
        assertThat(outcome.builds()).isEmpty();
    }

    @Test
    void hosts_that_have_the_module_keep_it_whatever_the_new_range() throws IOException {
        List<LedgerEntry> history = Histories.read("rules-1/random-1.jsonl");
        FleetAt now = stateOf(history);
        Set<HostId> without = now.state().hostIds().stream()
                .filter(host -> now.state().standing(host).stream()
                        .anyMatch(decision -> decision.reason() != Reason.UP_TO_DATE))
                .collect(Collectors.toSet());
        Policy narrow = with(policyOf(history), "/kernels", "from", "6.2");

        Outcome outcome = whatIf(history, narrow, Optional.empty());

        assertThat(outcome.changes().stream()
                        .filter(change -> change.after().orElseThrow().reason() == Reason.KERNEL_OUT_OF_RANGE)
                        .map(Change::host))
                .isSubsetOf(without);
        assertThat(outcome.changes()).noneMatch(change -> change.before()
                .map(answer -> answer.reason() == Reason.UP_TO_DATE)
                .orElse(false));
    }

    @Test
    void since_a_position_later_answers_count_for_the_build_that_is_under_way_there() throws IOException {
        List<LedgerEntry> history = Histories.read(WAITED);
        Policy same = policyOf(history);

        Outcome outcome = whatIf(history, same, Optional.of(Moment.parse("2")));

        assertThat(outcome.since()).isEqualTo(2);
        assertThat(outcome.decidedAgain()).isEqualTo(history.size() - 2);
        assertThat(outcome.changes()).isEmpty();
        assertThat(outcome.builds()).hasSize(1);
        assertThat(outcome.recordedBuilds()).isEqualTo(1);
        assertThat(outcome.answersLeftOut()).isZero();
    }

    @Test
    void since_a_position_a_narrower_range_leaves_out_the_builds_and_their_answers() throws IOException {
        List<LedgerEntry> history = Histories.read(WAITED);
        Policy narrow = with(policyOf(history), "/kernels", "from", "6.2");

        Outcome outcome = whatIf(history, narrow, Optional.of(Moment.parse("2")));

        assertThat(outcome.builds()).isEmpty();
        assertThat(outcome.recordedBuilds()).isEqualTo(1);
        assertThat(outcome.answersLeftOut()).isEqualTo(1);
        assertThat(outcome.changes()).isNotEmpty().allSatisfy(change -> assertThat(
                        change.after().orElseThrow().reason())
                .isEqualTo(Reason.KERNEL_OUT_OF_RANGE));
    }

    @Test
    void a_policy_published_later_is_left_out_and_said_so() throws IOException {
        List<LedgerEntry> history = Histories.read("rules-1/publishing_the_policy_again_asks_for_what_failed.jsonl");

        Outcome outcome = whatIf(history, policyOf(history), Optional.of(Moment.parse("2")));

        assertThat(outcome.policiesLeftOut()).isEqualTo(1);
    }

    @Test
    void a_module_that_is_no_longer_wanted_has_no_answer_any_more() throws IOException {
        List<LedgerEntry> history = Histories.read(WAITED);
        ObjectNode document = FleetJson.mapper().valueToTree(policyOf(history));
        document.putArray("modules");

        Outcome outcome =
                whatIf(history, FleetJson.mapper().convertValue(document, Policy.class), Optional.of(Moment.END));

        assertThat(outcome.changes()).isNotEmpty().allMatch(change -> change.after()
                .isEmpty());
    }

    @Test
    void any_recorded_history_has_an_outcome_from_any_position_on() throws IOException {
        for (Path file : Histories.all()) {
            List<LedgerEntry> history = Histories.lines(file).stream()
                    .map(line -> ((io.kmodfleet.coordinator.ledger.LedgerLines.Line.Read) line).entry())
                    .toList();
            Policy narrow = with(policyOf(history), "/kernels", "from", "6.2");
            for (int since = 0; since <= history.size(); since += 7) {
                Outcome outcome = whatIf(history, narrow, Optional.of(Moment.parse(Integer.toString(since))));
                assertThat(outcome.position()).isEqualTo(history.size());
                assertThat(outcome.hosts()).isEqualTo(stateOf(history).state().hostCount());
            }
        }
    }

    private static Outcome whatIf(List<LedgerEntry> history, Policy policy, Optional<Moment> since) {
        WhatIf whatIf = new WhatIf(policy, since);
        ReadAhead.each(lines(history).iterator(), whatIf::next);
        return whatIf.outcome();
    }

    private static FleetAt stateOf(List<LedgerEntry> history) {
        FleetAt at = new FleetAt(Moment.END);
        ReadAhead.each(lines(history).iterator(), at::next);
        return at;
    }

    private static Policy policyOf(List<LedgerEntry> history) {
        return history.stream()
                .map(entry -> entry.envelope().observation())
                .filter(PolicyPublished.class::isInstance)
                .map(observation -> ((PolicyPublished) observation).policy())
                .reduce((first, second) -> second)
                .orElseThrow();
    }

    private static Policy with(Policy policy, String path, String field, String value) {
        JsonNode document = FleetJson.mapper().valueToTree(policy);
        ((ObjectNode) document.at(path)).put(field, value);
        return FleetJson.mapper().convertValue(document, Policy.class);
    }
}
