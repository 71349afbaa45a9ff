package io.kmodfleet.coordinator.audit;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A replay in progress: decides every entry again by the rules of then, and goes on from what was recorded, so that one finding
 * does not cause the next. Nothing that it is given stops it.
 */
public final class AuditRun {

    /** How far back a repeat is held against what came first. */
    static final int REMEMBERED = 4096;

    /** What a source of entries promises. */
    public enum Delivery {
        /** A file or a database. */
        ONCE,
        /** A topic: a coordinator that starts again publishes its last entries again. */
        AT_LEAST_ONCE
    }

    private final Delivery delivery;
    private final long from;
    private final long to;
    private final Findings findings = new Findings();
    private final Map<Integer, Long> rules = new TreeMap<>();
    private final Map<Long, LedgerEntry> recent = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, LedgerEntry> eldest) {
            return size() > REMEMBERED;
        }
    };

    private FleetState state = FleetState.empty();
    private boolean begun;
    private boolean stateKnown = true;
    private Optional<String> doubt = Optional.empty();
    private long unknownEntries;
    private long last;
    private Optional<Digest> chain = Optional.empty();
    private LedgerEntry firstAudited;
    private LedgerEntry lastAudited;
    private long entries;
    private long decisions;
    private long decidedAgain;
    private long before;
    private long repeats;

    /**
     * @param from entries before that position are folded only
     * @param to nothing behind that position is looked at
     */
    public AuditRun(Delivery delivery, long from, long to) {
        this.delivery = delivery;
        this.from = from;
        this.to = to;
    }

    /** Whether more is wanted. */
    public boolean next(Line line) {
        if (line instanceof Line.Read read) {
            return next(read);
        }
        if (line instanceof Line.Unreadable unreadable) {
            unreadable(unreadable);
            return true;
        }
        Line.CutOff cut = (Line.CutOff) line;
        found(new Finding.CutOff("line " + cut.number(), cut.what()));
        return false;
    }

    /** The state after the last entry. */
    public FleetState state() {
        return state;
    }

    public AuditReport report() {
        return report(Optional.empty());
    }

    /** @param completeness how the same ledger compares with what was published; its findings are told with the others */
    public AuditReport report(Optional<Completeness> completeness) {
        completeness.ifPresent(compared -> {
            compared.close();
            findings.add(compared.findings());
        });
        return new AuditReport(
                Optional.ofNullable(firstAudited).map(LedgerEntry::position),
                Optional.ofNullable(lastAudited).map(LedgerEntry::position),
                Optional.ofNullable(firstAudited).map(LedgerEntry::takenAt),
                Optional.ofNullable(lastAudited).map(LedgerEntry::takenAt),
                entries,
                decisions,
                decidedAgain,
                new TreeMap<>(rules),
                before,
                repeats,
                findings.counts(),
                findings.first(),
                findings.wrong(),
                chain,
                stateKnown && doubt.isEmpty() ? Optional.of(digestOf(state)) : Optional.empty(),
                completeness.map(Completeness::sum));
    }

    private boolean next(Line.Read read) {
        LedgerEntry entry = read.entry();
        if (entry.position() <= last) {
            comesAgain(entry);
            return true;
        }
        if (entry.position() > to) {
            return false;
        }
        if (entry.position() > last + 1) {
            missing(entry.position());
        }
        link(read);
        begun = true;
        last = entry.position();
        recent.put(entry.position(), entry);
        chain = entry.chain();
        if (stateKnown) {
            numbering(entry.position(), entry.envelope());
            fold(entry);
        }
        count(entry);
        return true;
    }

    private void link(Line.Read read) {
        Optional<Digest> recorded = read.entry().chain();
        boolean another = read.link().isPresent() && !read.link().equals(recorded);
        boolean takenAway = recorded.isEmpty() && chain.isPresent();
        if (another || takenAway) {
            unknown(0, found(new Finding.ChainBroken(read.entry().position(), recorded, read.link())));
        }
    }

    private void count(LedgerEntry entry) {
        if (entry.position() < from) {
            before++;
            return;
        }
        firstAudited = firstAudited == null ? entry : firstAudited;
        lastAudited = entry;
        entries++;
        decisions += entry.decisions().size();
        rules.merge(entry.rules(), 1L, Long::sum);
    }

    private void comesAgain(LedgerEntry entry) {
        LedgerEntry known = recent.get(entry.position());
        if (known == null) {
            found(new Finding.OutOfPlace(entry.position(), last));
        } else if (!known.equals(entry)) {
            found(new Finding.PositionRepeated(entry.position(), false));
        } else if (delivery == Delivery.ONCE) {
            found(new Finding.PositionRepeated(entry.position(), true));
        } else {
            repeats++;
        }
    }

    private void missing(long position) {
        if (!begun) {
            found(new Finding.NoBeginning(position));
            stateKnown = false;
            return;
        }
        chain = Optional.empty();
        unknown(position - last - 1, found(new Finding.PositionsMissing(last + 1, position - 1)));
        standBefore(position);
    }

    private void unreadable(Line.Unreadable line) {
        long position = line.position().orElse(last + 1);
        if (position > to) {
            return;
        }
        if (position > last + 1) {
            missing(position);
        }
        String where = line.position().isPresent() ? "position " + position : "line " + line.number();
        unknown(1, found(new Finding.EntryUnreadable(where, line.what())));
        begun = true;
        last = Math.max(last, position);
        chain = Optional.empty();
    }

    /** From here on the state may lack something. */
    private void unknown(long more, Finding because) {
        unknownEntries += more;
        doubt = doubt.isPresent() ? doubt : Optional.of(because.where());
    }

    /** Decisions are numbered by the position they stand at, whatever is missing before it. */
    private void standBefore(long position) {
        if (state.position() != position - 1) {
            state = FleetState.of(position - 1, state.now(), state.parts().iterator());
        }
    }

    private void numbering(long position, Envelope envelope) {
        Optional<Taken> taken = state.lastOf(envelope.source());
        if (state.holds(envelope)) {
            found(new Finding.NumberedTwice(position, envelope.source(), envelope.epoch(), envelope.sequence()));
        } else if (state.missesOneBefore(envelope)) {
            long expected = taken.orElseThrow().sequence() + 1;
            long skipped = envelope.sequence() - expected;
            if (skipped <= unknownEntries) {
                unknownEntries -= skipped;
            } else {
                found(new Finding.NumbersSkipped(
                        position, envelope.source(), envelope.epoch(), expected, envelope.sequence()));
            }
        }
    }

    private void fold(LedgerEntry entry) {
        standBefore(entry.position());
        if (entry.position() >= from) {
            Optional<Step> again = decideAgain(entry);
            if (again.isPresent() && again.get().decisions().equals(entry.decisions())) {
                state = again.get().after();
                return;
            }
            again.ifPresent(step -> diverges(entry, step.decisions()));
        }
        try {
            state = Step.settle(state, entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules());
        } catch (RuntimeException e) {
            unknown(1, found(new Finding.Undecidable(entry.position(), String.valueOf(e))));
            standBefore(entry.position() + 1);
        }
    }

    private void diverges(LedgerEntry entry, List<Decision> derived) {
        found(new Finding.DecidedOtherwise(
                entry.position(), entry.rules(), doubt, Divergence.between(entry.decisions(), derived)));
    }

    private Optional<Step> decideAgain(LedgerEntry entry) {
        if (entry.rules() < 1 || entry.rules() > Step.RULES) {
            if (!rules.containsKey(entry.rules())) {
                found(new Finding.UnknownRules(entry.position(), entry.rules()));
            }
            return Optional.empty();
        }
        try {
            Step step = Step.take(state, entry.envelope(), entry.takenAt(), entry.rules());
            decidedAgain++;
            return Optional.of(step);
        } catch (RuntimeException e) {
            found(new Finding.Undecidable(entry.position(), String.valueOf(e)));
            return Optional.empty();
        }
    }

    private Finding found(Finding finding) {
        findings.add(finding);
        return finding;
    }

    static Digest digestOf(FleetState state) {
        MessageDigest digest = Digest.sha256();
        digest.update(FleetJson.writeBytes(new At(state.position(), state.now())));
        state.parts().forEach(part -> {
            digest.update(part.getClass().getSimpleName().getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            digest.update(FleetJson.writeBytes(part));
        });
        return Digest.of(digest);
    }

    private record At(long position, Instant now) {}
}
