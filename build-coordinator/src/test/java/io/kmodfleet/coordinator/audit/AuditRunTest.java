package io.kmodfleet.coordinator.audit;

import static io.kmodfleet.coordinator.audit.Histories.audit;
import static io.kmodfleet.coordinator.audit.Histories.lines;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.Observation.HostReported;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.AuditRun.Delivery;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AuditRunTest {

    private static final int REPORT_OF_B2 = 3;

    private final List<LedgerEntry> history = new ArrayList<>();

    @BeforeEach
    void read() throws IOException {
        history.addAll(Histories.read("rules-1/random-0.jsonl"));
    }

    @Test
    void every_recorded_history_is_decided_again_without_a_finding() throws IOException {
        List<Path> recorded = Histories.all();

        assertThat(recorded).hasSizeGreaterThan(20);
        for (Path file : recorded) {
            AuditReport report = audit(lines(file));
            assertThat(report.findings()).as(file.toString()).isEmpty();
            assertThat(report.decidedAgain()).as(file.toString()).isEqualTo(report.entries());
            assertThat(report.entries()).as(file.toString()).isPositive();
            assertThat(report.state()).as(file.toString()).isPresent();
        }
    }

    @Test
    void a_changed_decision_is_named_with_both_answers_and_causes_no_other_finding() {
        LedgerEntry entry = history.get(REPORT_OF_B2);
        Decision.Reject reject = (Decision.Reject) entry.decisions().get(0);
        history.set(
                REPORT_OF_B2,
                with(
                        entry,
                        List.of(new Decision.Wait(
                                reject.id(), reject.subject(), Reason.BUILD_RUNNING, reject.facts()))));

        AuditReport report = audit(lines(history));

        assertThat(report.findings()).singleElement().isInstanceOfSatisfying(Finding.DecidedOtherwise.class, found -> {
            assertThat(found.position()).isEqualTo(4);
            assertThat(found.isWrong()).isTrue();
            assertThat(found.text())
                    .contains("recorded wait BUILD_RUNNING, but the rules decide reject NO_BUILD_ENVIRONMENT");
            assertThat(found.divergence().derived()).isEqualTo(entry.decisions());
        });
    }

    @Test
    void a_changed_fact_is_told_in_words() {
        LedgerEntry entry = history.get(REPORT_OF_B2);
        Decision.Reject reject = (Decision.Reject) entry.decisions().get(0);
        history.set(
                REPORT_OF_B2,
                with(
                        entry,
                        List.of(new Decision.Reject(
                                reject.id(),
                                reject.subject(),
                                reject.reason(),
                                reject.missing(),
                                List.of(new Fact("image", "none"))))));

        assertThat(audit(lines(history)).findings())
                .singleElement()
                .extracting(Finding::text)
                .asString()
                .contains("fact 'image' is recorded as 'none', but derived as 'sha256:");
    }

    @Test
    void a_changed_observation_is_found_where_the_decision_does_not_follow_from_it() {
        LedgerEntry entry = history.get(REPORT_OF_B2);
        HostReported reported = (HostReported) entry.envelope().observation();
        HostReport report = FleetJson.mapper()
                .convertValue(
                        FleetJson.mapper()
                                .<com.fasterxml.jackson.databind.node.ObjectNode>valueToTree(reported.report())
                                .put("observeOnly", true)
                                .set("checks", FleetJson.mapper().createArrayNode()),
                        HostReport.class);
        Envelope old = entry.envelope();
        history.set(
                REPORT_OF_B2,
                new LedgerEntry(
                        entry.position(),
                        entry.takenAt(),
                        new Envelope(
                                old.source(),
                                old.epoch(),
                                old.sequence(),
                                old.at(),
                                new HostReported(reported.host(), report)),
                        entry.decisions(),
                        entry.rules()));

        assertThat(audit(lines(history)).findings())
                .first()
                .isInstanceOfSatisfying(Finding.DecidedOtherwise.class, found -> assertThat(found.position())
                        .isEqualTo(4));
    }

    @Test
    void a_missing_row_is_named_and_what_may_follow_from_it_is_not_called_wrong() {
        history.remove(REPORT_OF_B2);

        AuditReport report = audit(lines(history));

        assertThat(report.wrong()).isEqualTo(1);
        assertThat(report.findings().get(0)).isEqualTo(new Finding.PositionsMissing(4, 4));
        assertThat(report.findings().subList(1, report.findings().size())).allSatisfy(found -> assertThat(found)
                .isInstanceOfSatisfying(Finding.DecidedOtherwise.class, later -> assertThat(later.after())
                        .contains("position 4")));
        assertThat(report.state()).isEmpty();
    }

    @Test
    void a_doubled_row_is_found_in_a_file_and_nothing_special_on_a_topic() {
        history.add(REPORT_OF_B2, history.get(REPORT_OF_B2));

        assertThat(audit(lines(history)).findings()).containsExactly(new Finding.PositionRepeated(4, true));
        AuditReport topic = audit(lines(history), Delivery.AT_LEAST_ONCE);
        assertThat(topic.findings()).isEmpty();
        assertThat(topic.repeats()).isEqualTo(1);
    }

    @Test
    void the_same_position_with_another_content_is_found_on_a_topic_too() {
        LedgerEntry entry = history.get(REPORT_OF_B2);
        history.add(REPORT_OF_B2 + 1, with(entry, List.of()));

        assertThat(audit(lines(history), Delivery.AT_LEAST_ONCE).findings())
                .containsExactly(new Finding.PositionRepeated(4, false));
    }

    @Test
    void rules_of_the_future_are_named_once_counted_and_not_decided_again() {
        for (int i = 40; i < 45; i++) {
            LedgerEntry entry = history.get(i);
            history.set(
                    i,
                    new LedgerEntry(
                            entry.position(), entry.takenAt(), entry.envelope(), entry.decisions(), Step.RULES + 1));
        }

        AuditReport report = audit(lines(history));

        assertThat(report.findings()).containsExactly(new Finding.UnknownRules(41, Step.RULES + 1));
        assertThat(report.rules()).containsEntry(Step.RULES + 1, 5L).containsEntry(1, history.size() - 5L);
        assertThat(report.decidedAgain()).isEqualTo(history.size() - 5);
    }

    @Test
    void a_row_that_cannot_be_read_is_named_and_the_rest_is_audited() {
        List<Line> lines = new ArrayList<>(lines(history));
        lines.set(REPORT_OF_B2, new Line.Unreadable(4, OptionalLong.of(4), "line 4: Expected an entry, but none"));

        AuditReport report = audit(lines);

        assertThat(report.wrong()).isEqualTo(1);
        assertThat(report.findings().get(0)).isInstanceOf(Finding.EntryUnreadable.class);
        assertThat(report.decidedAgain()).isEqualTo(history.size() - 1);
    }

    @Test
    void an_observation_that_stands_at_two_positions_is_named_with_its_number() {
        LedgerEntry last = history.get(history.size() - 1);
        LedgerEntry again = history.get(REPORT_OF_B2);
        history.add(new LedgerEntry(last.position() + 1, last.takenAt(), again.envelope(), List.of(), again.rules()));

        assertThat(audit(lines(history)).findings())
                .contains(new Finding.NumberedTwice(
                        last.position() + 1,
                        again.envelope().source(),
                        1,
                        again.envelope().sequence()));
    }

    @Test
    void a_skipped_number_of_a_source_is_named() {
        LedgerEntry last = history.get(history.size() - 1);
        Envelope old = last.envelope();
        history.set(
                history.size() - 1,
                new LedgerEntry(
                        last.position(),
                        last.takenAt(),
                        new Envelope(old.source(), old.epoch(), old.sequence() + 7, old.at(), old.observation()),
                        last.decisions(),
                        last.rules()));

        assertThat(audit(lines(history)).findings())
                .containsExactly(new Finding.NumbersSkipped(
                        last.position(), old.source(), old.epoch(), old.sequence(), old.sequence() + 7));
    }

    @Test
    void rows_in_another_order_are_named_and_nothing_stops() {
        Collections.swap(history, 10, 11);

        assertThat(audit(lines(history)).findings())
                .startsWith(new Finding.PositionsMissing(11, 11), new Finding.OutOfPlace(11, 12));
    }

    @Test
    void a_ledger_without_its_beginning_says_so_and_decides_nothing() {
        AuditReport report = audit(lines(history.subList(10, 20)));

        assertThat(report.findings()).containsExactly(new Finding.NoBeginning(11));
        assertThat(report.entries()).isEqualTo(10);
        assertThat(report.decidedAgain()).isZero();
    }

    @Test
    void a_jump_to_a_far_position_is_named_and_takes_no_time() {
        LedgerEntry last = history.get(history.size() - 1);
        history.add(new LedgerEntry(
                Long.MAX_VALUE - 1, last.takenAt(), next(last.envelope()), last.decisions(), last.rules()));

        assertThat(audit(lines(history)).findings())
                .startsWith(new Finding.PositionsMissing(last.position() + 1, Long.MAX_VALUE - 2));
    }

    @Test
    void what_is_before_a_range_is_folded_and_not_audited() {
        LedgerEntry entry = history.get(REPORT_OF_B2);
        history.set(REPORT_OF_B2, with(entry, List.of()));
        AuditRun run = new AuditRun(Delivery.ONCE, 10, 20);

        ReadAhead.each(lines(history).iterator(), run::next);

        AuditReport report = run.report();
        assertThat(report.findings()).isEmpty();
        assertThat(report.before()).isEqualTo(9);
        assertThat(report.entries()).isEqualTo(11);
        assertThat(report.first()).contains(10L);
        assertThat(report.last()).contains(20L);
    }

    @Test
    void a_row_that_was_changed_by_hand_breaks_the_chain_there_and_nowhere_else() throws IOException {
        List<LedgerEntry> chained = new ArrayList<>();
        for (LedgerEntry entry : history) {
            chained.add(entry.chainedTo(
                    chained.isEmpty()
                            ? Optional.empty()
                            : chained.get(chained.size() - 1).chain()));
        }
        assertThat(audit(written(chained)).findings()).isEmpty();
        assertThat(audit(written(chained)).chain())
                .isEqualTo(chained.get(chained.size() - 1).chain());

        // Its time: nothing is decided otherwise because of it.
        LedgerEntry entry = chained.get(REPORT_OF_B2);
        LedgerEntry changed = new LedgerEntry(
                entry.position(),
                entry.takenAt().plusSeconds(1),
                entry.envelope(),
                entry.decisions(),
                entry.rules(),
                entry.chain());
        chained.set(REPORT_OF_B2, changed);
        assertThat(audit(written(chained)).findings()).singleElement().satisfies(found -> {
            assertThat(found).isInstanceOf(Finding.ChainBroken.class);
            assertThat(found.where()).isEqualTo("position 4");
        });

        chained.set(
                REPORT_OF_B2,
                new LedgerEntry(entry.position(), entry.takenAt(), entry.envelope(), entry.decisions(), entry.rules()));
        assertThat(audit(written(chained)).findings())
                .containsExactly(new Finding.ChainBroken(4, Optional.empty(), Optional.empty()));
    }

    /** As they are read from a file. */
    private static List<Line> written(List<LedgerEntry> entries) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        for (LedgerEntry entry : entries) {
            file.write(LedgerLines.write(entry));
        }
        List<Line> lines = new ArrayList<>();
        LedgerLines.read(new ByteArrayInputStream(file.toByteArray())).forEachRemaining(lines::add);
        return lines;
    }

    @Test
    void a_ledger_that_is_all_wrong_fills_no_memory() {
        List<Line> garbage = new ArrayList<>();
        for (int i = 1; i <= 50_000; i++) {
            garbage.add(new Line.Unreadable(i, OptionalLong.empty(), "line " + i + ": Expected an entry, but none"));
        }

        AuditReport report = audit(garbage);

        assertThat(report.findings()).hasSize(Findings.KEPT);
        assertThat(report.wrong()).isEqualTo(50_000);
        assertThat(report.counts()).containsEntry("entry-unreadable", 50_000L);
    }

    @Test
    void a_report_reads_as_json() throws IOException {
        history.remove(REPORT_OF_B2);

        var json = FleetJson.mapper().readTree(FleetJson.writeBytes(audit(lines(history))));

        assertThat(json.at("/findings/0/finding").asText()).isEqualTo("positions-missing");
        assertThat(json.at("/findings/0/where").asText()).isEqualTo("position 4");
        assertThat(json.at("/findings/0/text").asText()).isEqualTo("Expected position 4, but it is missing.");
        assertThat(json.at("/findings/0").has("wrong")).isFalse();
        assertThat(json.at("/counts/positions-missing").asInt()).isEqualTo(1);
    }

    private static LedgerEntry with(LedgerEntry entry, List<Decision> decisions) {
        return new LedgerEntry(entry.position(), entry.takenAt(), entry.envelope(), decisions, entry.rules());
    }

    private static Envelope next(Envelope envelope) {
        return new Envelope(
                envelope.source(), envelope.epoch(), envelope.sequence() + 1, envelope.at(), envelope.observation());
    }
}
