package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.UnreadableEvent.Problem;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.kmodfleet.coordinator.ledger.DeadLetter;
import io.kmodfleet.coordinator.ledger.Ledger;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LostRace;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/**
 * Decide, commit, and only then: move on, send, let Kafka forget. Batches are taken one after the other.
 *
 * <p>Killed between any two of these, it does the same again: what the ledger holds is recognised by its number and only
 * acknowledged; what the ledger holds and was not certainly sent is sent again at the start.
 */
@ApplicationScoped
public class CoordinatorLoop {

    private static final Logger LOG = Logger.getLogger(CoordinatorLoop.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final int SEND_AT_ONCE = 500;

    private final Ledger ledger;
    private final Dispatcher dispatcher;
    private final Uni<Void> recovery;
    private final Map<Awaited, CompletableFuture<Long>> awaited = new ConcurrentHashMap<>();
    private volatile FleetState state = FleetState.empty();
    private volatile Optional<Digest> chain = Optional.empty();
    private volatile boolean recovered;

    private record Awaited(String source, long epoch, long sequence) {}

    CoordinatorLoop(Ledger ledger, Dispatcher dispatcher) {
        this.ledger = ledger;
        this.dispatcher = dispatcher;
        this.recovery = Uni.createFrom()
                .deferred(() -> fold().chain(this::sendWhatWasNotSent).invoke(() -> recovered = true))
                .onFailure()
                .invoke(failure -> LOG.warnf("recovery failed, trying again error=%s", failure))
                .onFailure()
                .retry()
                .withBackOff(FIRST_PAUSE, LONGEST_PAUSE)
                .indefinitely()
                .memoize()
                .indefinitely();
    }

    /** Reads the ledger and sends what was committed but not certainly sent. Once, however often it is asked for. */
    Uni<Void> recover() {
        return recovery;
    }

    boolean isRecovered() {
        return recovered;
    }

    /** What is known now. */
    public FleetState state() {
        return state;
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

    Uni<Void> take(List<Arrival> arrivals, Instant now) {
        return recover()
                .chain(() -> Uni.createFrom().deferred(() -> commit(arrivals, now)))
                .onFailure(LostRace.class)
                .call(race -> {
                    LOG.warnf("another coordinator wrote the ledger, reading it again error=%s", race.getMessage());
                    return fold();
                })
                .onFailure()
                .invoke(failure -> LOG.warnf("batch not committed, trying again error=%s", failure))
                .onFailure()
                .retry()
                .withBackOff(FIRST_PAUSE, LONGEST_PAUSE)
                .indefinitely()
                .chain(this::send);
    }

    /** A batch as it was committed, and what is to be sent because of it. */
    private record Committed(List<Command> commands, List<DeadLetter> deadLetters, long position, Instant at) {}

    private Uni<Committed> commit(List<Arrival> arrivals, Instant now) {
        return Uni.createFrom()
                .item(() -> decide(arrivals, now))
                .runSubscriptionOn(Infrastructure.getDefaultWorkerPool())
                .chain(turn -> ledger.append(turn.entries, turn.after, turn.deadLetters)
                        .map(done -> {
                            state = turn.after;
                            chain = turn.chain;
                            turn.entries.forEach(this::tellWhoWaits);
                            return new Committed(turn.commands(), turn.deadLetters, turn.after.position(), now);
                        }));
    }

    private Turn decide(List<Arrival> arrivals, Instant now) {
        Turn turn = new Turn(state, chain);
        for (Arrival arrival : arrivals) {
            arrival.problem().ifPresent(why -> turn.bury(arrival, why.problem(), why.getMessage(), now));
            arrival.envelope().ifPresent(envelope -> turn.take(arrival, envelope, now));
        }
        return turn;
    }

    private Uni<Void> send(Committed committed) {
        return dispatcher
                .send(committed.commands, committed.at)
                .chain(() -> dispatcher.bury(committed.deadLetters))
                .chain(() -> ledger.dispatched(committed.position)
                        .onFailure()
                        // Only means that they are sent again after a restart.
                        .recoverWithUni(failure -> Uni.createFrom().voidItem()));
    }

    private void tellWhoWaits(LedgerEntry entry) {
        Envelope envelope = entry.envelope();
        CompletableFuture<Long> waiting =
                awaited.remove(new Awaited(envelope.source(), envelope.epoch(), envelope.sequence()));
        if (waiting != null) {
            waiting.complete(entry.position());
        }
    }

    private Uni<Void> fold() {
        Instant start = Instant.now();
        return ledger.after(0)
                .invoke(entry -> chain = entry.chain())
                .onItem()
                .scan(
                        FleetState::empty,
                        (before, entry) -> Step.settle(before, entry.envelope(), entry.takenAt(), entry.decisions()))
                .collect()
                .last()
                .invoke(folded -> {
                    state = folded;
                    LOG.infof(
                            "ledger read position=%d millis=%d",
                            folded.position(),
                            Duration.between(start, Instant.now()).toMillis());
                })
                .replaceWithVoid();
    }

    private Uni<Void> sendWhatWasNotSent() {
        return ledger.dispatched()
                .chain(sent -> ledger.after(sent)
                        .group()
                        .intoLists()
                        .of(SEND_AT_ONCE)
                        .onItem()
                        .transformToUniAndConcatenate(entries -> {
                            LedgerEntry last = entries.get(entries.size() - 1);
                            LOG.infof("sending again after=%d upTo=%d", sent, last.position());
                            Outbox outbox = new Outbox();
                            entries.forEach(entry -> outbox.add(entry.envelope(), entry.decisions()));
                            return send(new Committed(outbox.commands(), List.of(), last.position(), last.takenAt()));
                        })
                        .collect()
                        .last())
                .replaceWithVoid();
    }

    /** One batch under way. */
    private static final class Turn {
        private final List<LedgerEntry> entries = new ArrayList<>();
        private final List<DeadLetter> deadLetters = new ArrayList<>();
        private final Outbox outbox = new Outbox();
        private FleetState after;
        private Optional<Digest> chain;

        Turn(FleetState before, Optional<Digest> chain) {
            this.after = before;
            this.chain = chain;
        }

        void bury(Arrival arrival, Problem why, String detail, Instant now) {
            DeadLetter letter = arrival.buried(why, detail, now);
            LOG.warnf(
                    "dead letter topic=%s partition=%d offset=%d problem=%s error=%s",
                    letter.topic(), letter.partition(), letter.offset(), why, letter.detail());
            deadLetters.add(letter);
        }

        void take(Arrival arrival, Envelope envelope, Instant now) {
            if (after.holds(envelope)) {
                outbox.acknowledge(envelope.source());
                return;
            }
            if (after.missesOneBefore(envelope)) {
                LOG.warnf(
                        "observation missing before this one, waiting for it host=%s epoch=%d sequence=%d",
                        envelope.source(), envelope.epoch(), envelope.sequence());
                outbox.acknowledge(envelope.source());
                return;
            }
            Step step;
            try {
                step = Step.take(after, envelope, now);
            } catch (RuntimeException e) {
                LOG.errorf(e, "deciding failed host=%s", envelope.source());
                bury(arrival, Problem.UNDECIDABLE, String.valueOf(e), now);
                return;
            }
            after = step.after();
            LedgerEntry entry =
                    new LedgerEntry(after.position(), now, envelope, step.decisions(), Step.RULES).chainedTo(chain);
            chain = entry.chain();
            entries.add(entry);
            outbox.add(envelope, step.decisions());
        }

        List<Command> commands() {
            return outbox.commands(after);
        }
    }

    /** The commands of a batch: every decision, and one acknowledgement per host however many observations it sent. */
    private static final class Outbox {
        private final List<Command> decided = new ArrayList<>();
        private final Set<String> heard = new LinkedHashSet<>();
        private final Map<String, Envelope> last = new LinkedHashMap<>();

        void add(Envelope envelope, List<Decision> decisions) {
            heard.add(envelope.source());
            last.put(envelope.source(), envelope);
            decisions.forEach(decision -> decided.add(Command.carryingOut(decision)));
        }

        void acknowledge(String source) {
            heard.add(source);
        }

        /** With the numbers of the last entries added. */
        List<Command> commands() {
            List<Command> all = new ArrayList<>(decided);
            last.forEach((source, envelope) -> addAcknowledgement(all, source, envelope.epoch(), envelope.sequence()));
            return all;
        }

        /** With the numbers that the state has of everybody who was heard, repeats included. */
        List<Command> commands(FleetState state) {
            List<Command> all = new ArrayList<>(decided);
            for (String source : heard) {
                Taken taken = state.lastOf(source).orElseThrow();
                addAcknowledgement(all, source, taken.epoch(), taken.sequence());
            }
            return all;
        }

        private static void addAcknowledgement(List<Command> all, String source, long epoch, long sequence) {
            if (!source.equals(Envelope.STORE) && !source.equals(Envelope.OPERATOR)) {
                all.add(new Command.Acknowledge(new HostId(source), epoch, sequence));
            }
        }
    }
}
