package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.contracts.wire.UnreadableEvent.Problem;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.dispatch.Dispatcher.Outgoing;
import io.kmodfleet.coordinator.intake.CoordinatorLoop.Traced;
import io.kmodfleet.coordinator.ledger.DeadLetter;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;

/** One batch, decided: what is to be written, and what is to be sent when that is done. */
final class Turn {

    private static final Logger LOG = Logger.getLogger(Turn.class);

    /** How far the ledger goes. */
    record Head(FleetState state, Optional<Digest> chain) {
        static final Head NOTHING = new Head(FleetState.empty(), Optional.empty());

        Head after(LedgerEntry entry) {
            return new Head(
                    Step.settle(state, entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules()),
                    entry.chain());
        }
    }

    private final Instant now;
    private final List<LedgerRow> rows = new ArrayList<>();
    private final List<DeadLetter> deadLetters = new ArrayList<>();
    private final Outbox outbox = new Outbox();
    private final List<Traced> traced = new ArrayList<>();
    private Head after;

    private Turn(Head before, Instant now) {
        this.now = now;
        this.after = before;
    }

    static Turn decide(Head before, List<Arrival> arrivals, Instant now) {
        Turn turn = new Turn(before, now);
        for (Arrival arrival : arrivals) {
            arrival.problem().ifPresent(why -> turn.bury(arrival, why.problem(), why.getMessage()));
            arrival.envelope().ifPresent(envelope -> turn.take(arrival, envelope));
        }
        return turn;
    }

    Head after() {
        return after;
    }

    Instant now() {
        return now;
    }

    List<LedgerRow> rows() {
        return rows;
    }

    List<DeadLetter> deadLetters() {
        return deadLetters;
    }

    List<Outgoing> commands() {
        return outbox.commands(after.state());
    }

    /** What belongs to traces. */
    List<Traced> traced() {
        return traced;
    }

    private void bury(Arrival arrival, Problem why, String detail) {
        DeadLetter letter = arrival.buried(why, detail, now);
        LOG.warnf(
                "dead letter topic=%s partition=%d offset=%d problem=%s error=%s",
                letter.topic(), letter.partition(), letter.offset(), why, letter.detail());
        deadLetters.add(letter);
    }

    private void take(Arrival arrival, Envelope envelope) {
        FleetState state = after.state();
        if (state.holds(envelope)) {
            outbox.acknowledge(envelope.source());
            return;
        }
        if (state.missesOneBefore(envelope)) {
            LOG.warnf(
                    "observation missing before this one, waiting for it host=%s epoch=%d sequence=%d",
                    envelope.source(), envelope.epoch(), envelope.sequence());
            outbox.acknowledge(envelope.source());
            return;
        }
        Step step;
        LedgerRow row;
        try {
            step = Step.take(state, envelope, now);
            row = LedgerRow.of(
                    after.chain(),
                    new LedgerEntry(step.after().position(), now, envelope, step.decisions(), Step.RULES),
                    policyChange(state, step.after()));
        } catch (RuntimeException e) {
            LOG.errorf(e, "deciding failed host=%s", envelope.source());
            bury(arrival, Problem.UNDECIDABLE, String.valueOf(e));
            return;
        }
        after = new Head(step.after(), row.entry().chain());
        rows.add(row);
        long position = row.entry().position();
        outbox.add(envelope, row.entry(), step.after(), arrival.trace().map(trace -> trace.atPosition(position)));
        arrival.trace().ifPresent(trace -> traced.add(new Traced(trace, row.entry())));
    }

    private static Optional<Long> policyChange(FleetState before, FleetState after) {
        return before.inForce() == after.inForce()
                ? Optional.empty()
                : after.inForce().map(FleetState.Publication::position);
    }

    /** The commands of a batch: every decision, and one acknowledgement per host however many observations it sent. */
    static final class Outbox {
        private final List<Outgoing> decided = new ArrayList<>();
        private final Set<String> heard = new LinkedHashSet<>();
        private final Map<String, Envelope> last = new LinkedHashMap<>();

        /**
         * @param state in which the decisions stand
         * @param trace of the entry
         */
        void add(Envelope envelope, LedgerEntry entry, FleetState state, Optional<TraceContext> trace) {
            heard.add(envelope.source());
            last.put(envelope.source(), envelope);
            entry.decisions().forEach(decision -> decided.add(new Outgoing(commandOf(decision, state), trace)));
        }

        private static Command commandOf(Decision decision, FleetState state) {
            return decision instanceof Decision.Reuse reuse && state.lacksSelfTest(reuse)
                    ? new Command.InstallPackage(reuse, Optional.of(true))
                    : Command.carryingOut(decision);
        }

        void acknowledge(String source) {
            heard.add(source);
        }

        /** With the numbers of the last entries added. */
        List<Outgoing> commands() {
            List<Outgoing> all = new ArrayList<>(decided);
            last.forEach((source, envelope) -> addAcknowledgement(all, source, envelope.epoch(), envelope.sequence()));
            return all;
        }

        /** With the numbers that the state has of everybody who was heard, repeats included. */
        List<Outgoing> commands(FleetState state) {
            List<Outgoing> all = new ArrayList<>(decided);
            for (String source : heard) {
                Taken taken = state.lastOf(source).orElseThrow();
                addAcknowledgement(all, source, taken.epoch(), taken.sequence());
            }
            return all;
        }

        private static void addAcknowledgement(List<Outgoing> all, String source, long epoch, long sequence) {
            if (!source.equals(Envelope.STORE)
                    && !source.equals(Envelope.OPERATOR)
                    && !source.equals(Envelope.TICKER)) {
                all.add(new Outgoing(new Command.Acknowledge(new HostId(source), epoch, sequence), Optional.empty()));
            }
        }
    }
}
