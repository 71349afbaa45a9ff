package io.kmodfleet.coordinator.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import io.kmodfleet.coordinator.audit.AuditRun.Delivery;
import io.kmodfleet.coordinator.audit.Completeness.Sum;
import io.kmodfleet.coordinator.audit.Finding.NotTaken;
import io.kmodfleet.coordinator.audit.Finding.NotTaken.Why;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CompletenessTest {

    private final List<LedgerEntry> history = new ArrayList<>();
    private final List<Envelope> topic = new ArrayList<>();
    private final Completeness completeness = new Completeness();

    @BeforeEach
    void read() throws IOException {
        history.addAll(Histories.read("rules-1/random-0.jsonl"));
        history.forEach(entry -> topic.add(entry.envelope()));
    }

    @Test
    void a_topic_that_stands_in_the_ledger_has_no_finding_however_often_it_is_said() {
        topic.addAll(topic.subList(5, 25));

        AuditReport report = compare();

        assertThat(report.findings()).isEmpty();
        assertThat(report.completeness()).contains(new Sum(105, 85, 20, 0, 0, 0, 0, 0));
    }

    @Test
    void what_comes_next_is_not_wrong_and_what_waits_for_one_before_is_named() {
        Envelope last = topic.get(topic.size() - 1);
        topic.add(numbered(last, last.sequence() + 1));
        topic.add(numbered(last, last.sequence() + 2));
        topic.add(numbered(last, last.sequence() + 4));

        AuditReport report = compare();

        assertThat(report.wrong()).isZero();
        assertThat(report.findings())
                .extracting(found -> ((NotTaken) found).why())
                .containsExactly(Why.NOT_YET, Why.NOT_YET, Why.WAITS_FOR_ONE_BEFORE);
    }

    @Test
    void an_observation_that_the_ledger_passed_over_is_wrong() {
        LedgerEntry removed = history.remove(10);

        AuditReport report = compare();

        assertThat(report.findings())
                .contains(new NotTaken(
                        "kmodfleet.observations-0@10",
                        removed.envelope().source(),
                        removed.envelope().epoch(),
                        removed.envelope().sequence(),
                        Why.LEFT_OUT));
    }

    @Test
    void an_observation_that_was_recorded_otherwise_is_wrong() {
        Envelope first = topic.get(2);
        int other = -1;
        for (int i = 3; i < topic.size() && other < 0; i++) {
            boolean sameSource = topic.get(i).source().equals(first.source());
            other = sameSource && !topic.get(i).observation().equals(first.observation()) ? i : -1;
        }
        Envelope changed = topic.get(other);
        topic.set(
                other,
                new Envelope(changed.source(), changed.epoch(), changed.sequence(), changed.at(), first.observation()));

        assertThat(compare().findings())
                .containsExactly(new Finding.TakenOtherwise(
                        "kmodfleet.observations-0@" + other,
                        other + 1,
                        changed.source(),
                        changed.epoch(),
                        changed.sequence()));
    }

    @Test
    void an_entry_that_nobody_published_is_wrong_unless_the_topic_has_lost_its_beginning() {
        Envelope missing = topic.remove(0);

        assertThat(compare().findings())
                .containsExactly(new Finding.NeverPublished(1, missing.source(), missing.epoch(), missing.sequence()));

        Completeness later = new Completeness();
        history.forEach(later::taken);
        later.someExpired();
        topic.forEach(envelope -> later.published("", envelope));
        AuditReport report = new AuditRun(Delivery.ONCE, 1, Long.MAX_VALUE).report(Optional.of(later));
        assertThat(report.findings()).isEmpty();
        assertThat(report.completeness().orElseThrow().older()).isEqualTo(1);
    }

    @Test
    void a_record_that_is_no_observation_is_named_and_nothing_is_wrong() throws Exception {
        UnreadableEvent problem = null;
        try {
            CloudEvents.readObservation(new byte[0], new byte[] {'{'}, Map.of());
        } catch (UnreadableEvent e) {
            problem = e;
        }
        completeness.unreadable("kmodfleet.observations-0@99", problem);

        AuditReport report = compare();

        assertThat(report.wrong()).isZero();
        assertThat(report.findings())
                .singleElement()
                .isInstanceOfSatisfying(Finding.DeadLetter.class, letter -> assertThat(letter.problem())
                        .isEqualTo("NOT_A_CLOUD_EVENT"));
    }

    private AuditReport compare() {
        AuditRun run = new AuditRun(Delivery.ONCE, 1, Long.MAX_VALUE);
        Histories.lines(history).forEach(line -> run.next(line));
        history.forEach(completeness::taken);
        for (int i = 0; i < topic.size(); i++) {
            completeness.published("kmodfleet.observations-0@" + i, topic.get(i));
        }
        return run.report(Optional.of(completeness));
    }

    private static Envelope numbered(Envelope envelope, long sequence) {
        return new Envelope(envelope.source(), envelope.epoch(), sequence, envelope.at(), envelope.observation());
    }
}
