package io.kmodfleet.coordinator.intake;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.intake.Turn.Head;
import io.kmodfleet.coordinator.ledger.Snapshots;
import io.kmodfleet.coordinator.ledger.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SnapshotsIT {

    private TestDatabase database;
    private Snapshots snapshots;
    private Head head;

    @BeforeEach
    void start() throws Exception {
        database = new TestDatabase();
        snapshots = database.snapshots();
        List<Envelope> story = new ArrayList<>(Observed.beginning());
        story.add(Observed.report("a", 1, "one"));
        story.add(Observed.report("b", 1, "one"));
        head = append(Head.NOTHING, story);
    }

    @AfterEach
    void end() throws Exception {
        database.close();
    }

    @Test
    void a_start_uses_the_newest_snapshot_and_reads_only_what_came_after_it() {
        snapshots.write(head.state(), head.chain());
        Head later = append(head, List.of(Observed.report("c", 1, "two")));
        // What the snapshot stands for is not read any more.
        database.execute("update ledger set observation = 'not read' where position < 4");

        CoordinatorLoop loop = restarted();

        assertSame(loop.state(), later.state());
        assertThat(loop.head().chain()).isEqualTo(later.chain());
    }

    @Test
    void the_newest_two_are_kept() {
        for (int i = 0; i < 4; i++) {
            snapshots.write(head.state(), head.chain());
            head = append(head, List.of(Observed.report("c", i + 1, "two-" + i)));
        }

        assertThat(database.number("select count(*) from snapshot")).isEqualTo(2);
        assertThat(database.number("select min(position) from snapshot")).isEqualTo(6);
        assertThat(database.number("select count(distinct position) from snapshot_part"))
                .isEqualTo(2);
    }

    @Test
    void a_snapshot_of_another_ledger_is_thrown_away_and_the_ledger_is_read() {
        snapshots.write(head.state(), head.chain());
        database.execute("update snapshot set chain = 'sha256:" + "0".repeat(64) + "'");

        assertSame(restarted().state(), head.state());
        assertThat(database.number("select count(*) from snapshot")).isZero();
    }

    @Test
    void a_damaged_snapshot_is_thrown_away_and_the_older_one_is_used() {
        snapshots.write(head.state(), head.chain());
        Head later = append(head, List.of(Observed.report("c", 1, "two")));
        snapshots.write(later.state(), later.chain());
        database.execute(
                "update snapshot_part set body = set_byte(body, 40, get_byte(body, 40) # 1) where position = 5");

        assertSame(restarted().state(), later.state());
        assertThat(database.number("select max(position) from snapshot")).isEqualTo(4);
    }

    @Test
    void a_snapshot_that_lost_a_part_is_thrown_away() {
        snapshots.write(head.state(), head.chain());
        database.execute("delete from snapshot_part");

        assertSame(restarted().state(), head.state());
        assertThat(database.number("select count(*) from snapshot")).isZero();
    }

    @Test
    void a_snapshot_beyond_the_end_of_the_ledger_is_thrown_away() {
        snapshots.write(head.state(), head.chain());
        database.execute("delete from ledger where position = 4");

        assertThat(restarted().state().position()).isEqualTo(3);
        assertThat(database.number("select count(*) from snapshot")).isZero();
    }

    @Test
    void a_snapshot_of_another_form_is_thrown_away() {
        snapshots.write(head.state(), head.chain());
        database.execute("update snapshot set form = form + 1");

        assertSame(restarted().state(), head.state());
        assertThat(database.number("select count(*) from snapshot")).isZero();
    }

    private Head append(Head before, List<Envelope> envelopes) {
        Turn turn = Turn.decide(before, Observed.arrivals(envelopes), Observed.AT);
        database.ledger().append(turn.rows(), turn.deadLetters()).await().atMost(Duration.ofSeconds(20));
        return turn.after();
    }

    private CoordinatorLoop restarted() {
        CoordinatorLoop loop = new CoordinatorLoop(database.ledger(), database.snapshots(), null);
        loop.follow();
        return loop;
    }

    private static void assertSame(FleetState one, FleetState other) {
        assertThat(one.position()).isEqualTo(other.position());
        assertThat(one.now()).isEqualTo(other.now());
        assertThat(one.parts()).containsExactlyElementsOf(other.parts().toList());
    }
}
