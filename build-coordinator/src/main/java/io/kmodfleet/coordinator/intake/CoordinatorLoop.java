package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.kmodfleet.coordinator.intake.Turn.Head;
import io.kmodfleet.coordinator.intake.Turn.Outbox;
import io.kmodfleet.coordinator.ledger.Ledger;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerRow;
import io.kmodfleet.coordinator.ledger.LostRace;
import io.kmodfleet.coordinator.ledger.Snapshots;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Decide, commit, and only then: send, let Kafka forget. Commits are one after the other, and so is sending; while a batch is
 * committed the next one is decided, on what the one before will have led to.
 *
 * <p>Killed between any two of these, it does the same again: what the ledger holds is recognised by its number and only
 * acknowledged; what the ledger holds and was not certainly sent is sent again at the start. Where a commit fails, everything
 * that was decided on it is decided anew, on what the ledger then holds.
 *
 * <p>One thread takes (whoever calls anything that is not public); it alone changes what is known.
 */
@ApplicationScoped
public class CoordinatorLoop {

    private static final Logger LOG = Logger.getLogger(CoordinatorLoop.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final Duration CURSOR_EVERY = Duration.ofMillis(500);
    private static final Duration LONGEST_COMMIT = Duration.ofMillis(50);
    private static final int SEND_AT_ONCE = 500;
    private static final int UNDER_WAY = 4;

    private final Ledger ledger;
    private final Snapshots snapshots;
    private final Dispatcher dispatcher;
    private final ExecutorService sender = Executors.newSingleThreadExecutor(named("sender"));
    private final Map<Awaited, CompletableFuture<Long>> awaited = new ConcurrentHashMap<>();
    private final Deque<Batch> underWay = new ArrayDeque<>();
    private CompletableFuture<Void> lastCommit = CompletableFuture.completedFuture(null);
    private CompletableFuture<Void> cursorWritten = CompletableFuture.completedFuture(null);
    private long cursorAt = System.nanoTime();
    private long cursor;
    private long sent;
    private Head decided = Head.NOTHING;
    private volatile Head committed = Head.NOTHING;
    private volatile boolean recovered;
    private final List<Consumer<LedgerEntry>> listeners = new CopyOnWriteArrayList<>();
    private long snapshotPosition;
    private volatile Consumer<Traced> tracer;

    /** An entry that belongs to a trace. @param cause what its observation came with */
    public record Traced(TraceContext cause, LedgerEntry entry) {}

    private record Awaited(String source, long epoch, long sequence) {}

    /** Observations on their way through. */
    private static final class Batch {
        private final List<Arrival> arrivals;
        private final Instant now;
        private final Runnable whenSent;
        private CompletableFuture<Void> commit;
        private CompletableFuture<Void> sending;
        private long position;

        Batch(List<Arrival> arrivals, Instant now, Runnable whenSent) {
            this.arrivals = arrivals;
            this.now = now;
            this.whenSent = whenSent;
        }
    }

    CoordinatorLoop(Ledger ledger, Snapshots snapshots, Dispatcher dispatcher) {
        this.ledger = ledger;
        this.snapshots = snapshots;
        this.dispatcher = dispatcher;
    }

    /** Whether the ledger was read: before that, what is known is of no use. */
    public boolean isRecovered() {
        return recovered;
    }

    /** What is known now: what the ledger holds. */
    public FleetState state() {
        return committed.state();
    }

    Head head() {
        return committed;
    }

    /** Position of the snapshot that this coordinator began with; 0 where there was none. */
    long snapshotPosition() {
        return snapshotPosition;
    }

    /**
     * Has somebody told of every entry that is committed from now on, after {@link #state} knows it. It must be quick: the next entry
     * waits for it.
     */
    public void tell(Consumer<LedgerEntry> whoListens) {
        listeners.add(whoListens);
    }

    /** Has somebody told of every entry that belongs to a trace, when its commands are out. Nobody by itself. */
    public void trace(Consumer<Traced> whoListens) {
        tracer = whoListens;
    }

    /** Completes with the ledger position when that observation is committed. Ask before it is sent. */
    public CompletableFuture<Long> whenTaken(Envelope envelope) {
        Awaited key = new Awaited(envelope.source(), envelope.epoch(), envelope.sequence());
        return awaited.computeIfAbsent(key, any -> new CompletableFuture<>());
    }

    /** Nobody waits for it any more. */
    public void forget(Envelope envelope) {
        awaited.remove(new Awaited(envelope.source(), envelope.epoch(), envelope.sequence()));
    }

    /** Reads what the ledger has beyond what is known, the first time from the newest snapshot on. */
    void follow() {
        long begin = System.nanoTime();
        if (!recovered && committed == Head.NOTHING) {
            snapshots.newest().ifPresent(snapshot -> {
                committed = new Head(snapshot.state(), snapshot.chain());
                snapshotPosition = snapshot.state().position();
                LOG.infof(
                        "snapshot read position=%d millis=%d", snapshot.state().position(), millisSince(begin));
            });
        }
        Head[] head = {committed};
        ledger.read(head[0].state().position(), entry -> {
            head[0] = head[0].after(entry);
            if (recovered) {
                committed = head[0];
                tellWhoWaits(entry);
            }
        });
        committed = head[0];
        if (!recovered) {
            LOG.infof("ledger read position=%d millis=%d", committed.state().position(), millisSince(begin));
            recovered = true;
        }
    }

    /** From standing by to taking: catches up with the ledger and sends what was committed but not certainly sent. */
    void takeOver() {
        underWay.clear();
        follow();
        sendWhatWasNotSent();
        decided = committed;
        lastCommit = CompletableFuture.completedFuture(null);
    }

    /**
     * Has them decided, committed and sent; returns when they are decided.
     *
     * @param whenSent run by the taking thread when all of it is done
     * @param mayGoOn asked before something that failed is tried again
     * @throws SteppedDown where it may not go on; what was not committed is then nobody's
     */
    void take(List<Arrival> arrivals, Instant now, Runnable whenSent, BooleanSupplier mayGoOn) {
        while (underWay.size() >= UNDER_WAY) {
            finish(underWay.peek(), mayGoOn);
        }
        Batch batch = new Batch(arrivals, now, whenSent);
        start(batch);
        underWay.add(batch);
    }

    /** Ends what is done already; does not wait. */
    void settle(BooleanSupplier mayGoOn) {
        while (!underWay.isEmpty() && underWay.peek().sending.isDone()) {
            finish(underWay.peek(), mayGoOn);
        }
        moveCursor(false);
    }

    /** Waits until nothing is under way. */
    void drain(BooleanSupplier mayGoOn) {
        while (!underWay.isEmpty()) {
            finish(underWay.peek(), mayGoOn);
        }
        moveCursor(true);
    }

    /** So that what arrives meanwhile becomes one batch: with little to do, a second commit in the queue only adds waiting. */
    void awaitCommit() {
        try {
            lastCommit.get(LONGEST_COMMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            // Is seen when the batch is finished.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    boolean isIdle() {
        return underWay.isEmpty();
    }

    private void start(Batch batch) {
        Turn turn = Turn.decide(decided, batch.arrivals, batch.now);
        decided = turn.after();
        batch.position = decided.state().position();
        batch.commit = lastCommit
                .thenCompose(
                        before -> ledger.append(turn.rows(), turn.deadLetters()).subscribeAsCompletionStage())
                .thenRun(() -> {
                    committed = turn.after();
                    turn.rows().forEach(row -> tellWhoWaits(row.entry()));
                });
        lastCommit = batch.commit;
        batch.sending = batch.commit.thenComposeAsync(
                done -> dispatcher.send(turn.rows(), turn.commands(), turn.deadLetters(), turn.now()), sender);
        Consumer<Traced> listener = tracer;
        if (listener != null && !turn.traced().isEmpty()) {
            batch.sending.thenRun(() -> turn.traced().forEach(listener));
        }
    }

    private void finish(Batch batch, BooleanSupplier mayGoOn) {
        try {
            batch.commit.join();
        } catch (CompletionException e) {
            decideAnew(e.getCause() == null ? e : e.getCause(), mayGoOn);
            return;
        }
        batch.sending.join();
        underWay.remove(batch);
        sent = Math.max(sent, batch.position);
        batch.whenSent.run();
    }

    /** What was not committed was decided on something that never was. */
    private void decideAnew(Throwable why, BooleanSupplier mayGoOn) {
        Throwable failure = why;
        Duration pause = FIRST_PAUSE;
        while (true) {
            if (failure instanceof LostRace) {
                LOG.warnf("another coordinator wrote the ledger, reading it again error=%s", failure.getMessage());
            } else {
                LOG.warnf("batch not committed, trying again error=%s", failure);
            }
            if (!mayGoOn.getAsBoolean()) {
                throw new SteppedDown("Expected to be the active coordinator, but it is not any more");
            }
            try {
                follow();
                // The commit may have come through although its answer did not.
                sendWhatWasNotSent();
                break;
            } catch (RuntimeException e) {
                failure = e;
                pause(pause);
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
            }
        }
        decided = committed;
        lastCommit = CompletableFuture.completedFuture(null);
        for (Batch batch : underWay) {
            if (batch.commit.isCompletedExceptionally()) {
                start(batch);
            }
        }
    }

    private void sendWhatWasNotSent() {
        long from = ledger.dispatched().await().atMost(LONGEST_PAUSE);
        List<LedgerRow> rows = new ArrayList<>();
        ledger.read(from, entry -> {
            rows.add(LedgerRow.read(entry));
            if (rows.size() == SEND_AT_ONCE) {
                sendAgain(rows);
            }
        });
        sendAgain(rows);
        cursor = ledger.dispatched().await().atMost(LONGEST_PAUSE);
        sent = Math.max(sent, cursor);
    }

    private void sendAgain(List<LedgerRow> rows) {
        if (rows.isEmpty()) {
            return;
        }
        LedgerEntry last = rows.get(rows.size() - 1).entry();
        LOG.infof("sending again from=%d upTo=%d", rows.get(0).entry().position(), last.position());
        Outbox outbox = new Outbox();
        rows.forEach(row -> outbox.add(row.entry().envelope(), row.entry(), committed.state(), Optional.empty()));
        dispatcher
                .send(List.copyOf(rows), outbox.commands(), List.of(), last.takenAt())
                .join();
        ledger.dispatched(last.position()).await().atMost(LONGEST_PAUSE);
        rows.clear();
    }

    /** Lags behind; that only means that more is sent again after a crash. */
    private void moveCursor(boolean atOnce) {
        boolean due = atOnce || System.nanoTime() - cursorAt > CURSOR_EVERY.toNanos();
        if (sent > cursor && due && cursorWritten.isDone()) {
            cursorAt = System.nanoTime();
            cursor = sent;
            cursorWritten =
                    ledger.dispatched(sent).onFailure().recoverWithNull().subscribeAsCompletionStage();
        }
        if (atOnce) {
            cursorWritten.join();
        }
    }

    private void tellWhoWaits(LedgerEntry entry) {
        listeners.forEach(listener -> listener.accept(entry));
        if (awaited.isEmpty()) {
            return;
        }
        Envelope envelope = entry.envelope();
        CompletableFuture<Long> waiting =
                awaited.remove(new Awaited(envelope.source(), envelope.epoch(), envelope.sequence()));
        if (waiting != null) {
            waiting.complete(entry.position());
        }
    }

    @PreDestroy
    void end() {
        sender.shutdown();
    }

    static java.util.concurrent.ThreadFactory named(String name) {
        return work -> {
            Thread thread = new Thread(work, "kmodfleet-" + name);
            thread.setDaemon(true);
            return thread;
        };
    }

    private static long millisSince(long begin) {
        return Duration.ofNanos(System.nanoTime() - begin).toMillis();
    }

    private static void pause(Duration pause) {
        try {
            Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SteppedDown("Expected to wait, but the coordinator is ending");
        }
    }
}
