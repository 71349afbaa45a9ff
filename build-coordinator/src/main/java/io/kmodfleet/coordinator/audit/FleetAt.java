package io.kmodfleet.coordinator.audit;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.HostReported;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The fleet as it was: the ledger folded up to a moment, with what was recorded. What cannot be folded is an
 * {@link IllegalArgumentException}: audit first, then look around.
 */
public final class FleetAt {

    private final Moment moment;
    private final Map<HostId, Instant> reported = new HashMap<>();
    private final Map<Subject, Instant> decided = new HashMap<>();
    private FleetState state = FleetState.empty();
    private final Map<Long, LedgerEntry> policies = new HashMap<>();

    public FleetAt(Moment moment) {
        this.moment = moment;
    }

    /** A fleet that is known already; when its hosts reported is not. */
    FleetAt(FleetState known) {
        this(Moment.END);
        state = known;
    }

    /** Whether more is wanted: an entry behind the moment is not taken. */
    public boolean next(Line line) {
        if (!(line instanceof Line.Read read)) {
            String what = line instanceof Line.Unreadable unreadable ? unreadable.what() : ((Line.CutOff) line).what();
            throw new IllegalArgumentException(what + ". Run 'kmodfleet audit' on it first");
        }
        LedgerEntry entry = read.entry();
        if (moment.isBefore(entry)) {
            return false;
        }
        if (entry.position() <= state.position()) {
            return true;
        }
        if (entry.position() != state.position() + 1) {
            throw new IllegalArgumentException("Expected position " + (state.position() + 1) + ", but "
                    + entry.position() + " comes. Run 'kmodfleet audit' on it first");
        }
        state = Step.settle(state, entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules());
        if (entry.envelope().observation() instanceof HostReported report) {
            reported.put(report.host(), entry.takenAt());
        }
        if (entry.envelope().observation() instanceof PolicyPublished) {
            policies.put(entry.position(), entry);
        }
        entry.decisions().forEach(decision -> decided.put(decision.subject(), entry.takenAt()));
        return true;
    }

    public FleetState state() {
        return state;
    }

    /** When a host last reported. */
    public Instant reportedAt(HostId host) {
        return reported.getOrDefault(host, Instant.EPOCH);
    }

    public Instant decidedAt(Decision decision) {
        return decided.getOrDefault(decision.subject(), Instant.EPOCH);
    }

    /** The entry that published the policy in force. */
    public Optional<LedgerEntry> policy() {
        return state.inForce().map(published -> policies.get(published.position()));
    }

    /** Those a name can mean: by id, by the beginning of an id of at least six digits, or by host name. */
    public List<HostId> hostsNamed(String name) {
        List<HostId> exact =
                state.hostIds().stream().filter(id -> id.value().equals(name)).toList();
        return !exact.isEmpty()
                ? exact
                : state.hostIds().stream()
                        .filter(id -> name.length() >= 6 && id.value().startsWith(name)
                                || state.report(id).orElseThrow().hostname().equals(name))
                        .toList();
    }
}
