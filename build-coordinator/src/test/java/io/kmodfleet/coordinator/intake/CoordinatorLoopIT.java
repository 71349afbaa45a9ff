package io.kmodfleet.coordinator.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.TestBroker;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.kmodfleet.coordinator.dispatch.TestDispatcher;
import io.kmodfleet.coordinator.ledger.LedgerChain;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLock;
import io.kmodfleet.coordinator.ledger.LedgerRow;
import io.kmodfleet.coordinator.ledger.LostRace;
import io.kmodfleet.coordinator.ledger.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoordinatorLoopIT {

    @TempDir
    private Path directory;

    private TestDatabase database;
    private TestBroker broker;
    private final List<Dispatcher> dispatchers = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        database = new TestDatabase();
        broker = new TestBroker(directory).start();
        broker.createTopic(Topics.COMMANDS);
        broker.createTopic(Topics.LEDGER);
        broker.createTopic(Topics.DEAD_LETTERS);
    }

    @AfterEach
    void end() throws Exception {
        dispatchers.forEach(TestDispatcher::end);
        broker.close();
        database.close();
    }

    @Test
    void of_two_who_write_the_same_position_one_loses_and_nothing_of_it_is_written() {
        Turn one = Turn.decide(Turn.Head.NOTHING, Observed.arrivals(Observed.beginning()), Observed.AT);
        Turn other =
                Turn.decide(Turn.Head.NOTHING, Observed.arrivals(List.of(Observed.report("a", 1, "one"))), Observed.AT);
        append(one);

        assertThatThrownBy(() -> append(other)).isInstanceOf(LostRace.class);
        assertThat(ledger()).hasSize(2);
        assertThat(database.number("select count(*) from host")).isZero();
    }

    @Test
    void two_who_both_believe_to_be_active_write_one_ledger_without_gaps() throws Exception {
        int hosts = 40;
        List<List<Envelope>> batches = new ArrayList<>();
        batches.add(Observed.beginning());
        for (int i = 0; i < hosts; i++) {
            batches.add(List.of(
                    Observed.report("host-" + i, 1, "image-" + i % 5),
                    Observed.report("host-" + i, 2, "image-" + i % 7)));
        }
        CyclicBarrier together = new CyclicBarrier(2);
        List<Thread> racers = new ArrayList<>();
        List<CoordinatorLoop> loops = List.of(loop(), loop());
        for (CoordinatorLoop loop : loops) {
            Thread racer = new Thread(() -> {
                loop.takeOver();
                for (List<Envelope> batch : batches) {
                    meet(together);
                    loop.take(Observed.arrivals(batch), Observed.AT, () -> {}, () -> true);
                }
                loop.drain(() -> true);
            });
            racer.start();
            racers.add(racer);
        }
        for (Thread racer : racers) {
            racer.join(Duration.ofMinutes(2).toMillis());
            assertThat(racer.isAlive()).isFalse();
        }

        List<LedgerEntry> ledger = ledger();
        assertThat(ledger).hasSize(2 + 2 * hosts);
        assertReplaysAndIsWhole(ledger);
        loops.forEach(CoordinatorLoop::follow);
        assertThat(loops.get(0).state().parts())
                .containsExactlyElementsOf(loops.get(1).state().parts().toList());
        assertThat(ledger.stream()
                        .flatMap(entry -> entry.decisions().stream())
                        .filter(Decision.Build.class::isInstance)
                        .map(decision -> ((Decision.Build) decision).target())
                        .toList())
                .doesNotHaveDuplicates();
    }

    @Test
    void the_topic_of_the_ledger_has_every_entry_in_order_as_it_stands_there() {
        CoordinatorLoop loop = loop();
        loop.takeOver();
        loop.take(Observed.arrivals(Observed.beginning()), Observed.AT, () -> {}, () -> true);
        loop.take(Observed.arrivals(List.of(Observed.report("a", 1, "one"))), Observed.AT, () -> {}, () -> true);
        loop.drain(() -> true);

        List<ConsumerRecord<byte[], byte[]>> lines = broker.records(Topics.LEDGER, 3, Duration.ofSeconds(20));
        List<LedgerEntry> ledger = ledger();
        assertThat(lines.stream().map(line -> text(line.value())).sorted())
                .containsExactlyElementsOf(
                        ledger.stream().map(FleetJson::write).sorted().toList());
        assertThat(lines.stream().map(line -> text(line.key())).sorted()).containsExactly("1", "2", "3");
        assertThat(ledger.stream().map(entry -> LedgerRow.read(entry).line()))
                .containsExactlyElementsOf(ledger.stream().map(FleetJson::write).toList());
    }

    @Test
    void what_was_committed_and_not_sent_is_sent_by_who_takes_over() {
        append(Turn.decide(Turn.Head.NOTHING, Observed.arrivals(Observed.beginning()), Observed.AT));
        Turn.Head head = Turn.decide(Turn.Head.NOTHING, Observed.arrivals(Observed.beginning()), Observed.AT)
                .after();
        append(Turn.decide(head, Observed.arrivals(List.of(Observed.report("a", 1, "one"))), Observed.AT));

        loop().takeOver();

        // The decision, and the acknowledgement.
        assertThat(broker.records(Topics.COMMANDS, 2, Duration.ofSeconds(20))).hasSize(2);
        assertThat(broker.records(Topics.LEDGER, 3, Duration.ofSeconds(20))).hasSize(3);
        assertThat(database.number("select position from dispatch")).isEqualTo(3);
    }

    @Test
    void who_may_not_go_on_after_a_lost_race_steps_down_and_writes_nothing() {
        CoordinatorLoop loser = loop();
        loser.takeOver();
        append(Turn.decide(Turn.Head.NOTHING, Observed.arrivals(Observed.beginning()), Observed.AT));
        AtomicInteger sent = new AtomicInteger();

        loser.take(
                Observed.arrivals(List.of(Observed.report("a", 1, "one"))),
                Observed.AT,
                sent::incrementAndGet,
                () -> false);

        assertThatThrownBy(() -> loser.drain(() -> false)).isInstanceOf(SteppedDown.class);
        assertThat(ledger()).hasSize(2);
        assertThat(sent).hasValue(0);
    }

    @Test
    void the_lock_has_one_holder_and_passes_on_when_its_session_ends() {
        LedgerLock one = database.lock();
        LedgerLock other = database.lock();
        assertThat(one.tryTake()).isTrue();
        assertThat(other.tryTake()).isFalse();

        database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kmodfleet-lock'");

        assertThat(one.stillHeld()).isFalse();
        assertThat(other.tryTake()).isTrue();
        other.release();
        assertThat(one.tryTake()).isTrue();
    }

    private static void assertReplaysAndIsWhole(List<LedgerEntry> ledger) {
        FleetState state = FleetState.empty();
        Optional<Digest> chain = Optional.empty();
        for (LedgerEntry entry : ledger) {
            Step step = Step.take(state, entry.envelope(), entry.takenAt(), entry.rules());
            state = step.after();
            chain = Optional.of(LedgerChain.next(chain, entry));
            assertThat(entry.position()).isEqualTo(state.position());
            assertThat(step.decisions()).isEqualTo(entry.decisions());
            assertThat(entry.chain()).isEqualTo(chain);
        }
    }

    private void append(Turn turn) {
        database.ledger().append(turn.rows(), turn.deadLetters()).await().atMost(Duration.ofSeconds(20));
    }

    private List<LedgerEntry> ledger() {
        List<LedgerEntry> entries = new ArrayList<>();
        database.ledger().read(0, entries::add);
        return entries;
    }

    private CoordinatorLoop loop() {
        Dispatcher dispatcher = TestDispatcher.to(broker.address());
        dispatchers.add(dispatcher);
        return new CoordinatorLoop(database.ledger(), database.snapshots(), dispatcher);
    }

    private static void meet(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
