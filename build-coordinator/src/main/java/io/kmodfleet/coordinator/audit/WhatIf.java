package io.kmodfleet.coordinator.audit;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.BuildFailed;
import io.kmodfleet.contracts.Observation.BuildOverdue;
import io.kmodfleet.contracts.Observation.BuildSucceeded;
import io.kmodfleet.contracts.Observation.DeadlinePassed;
import io.kmodfleet.contracts.Observation.PolicyApproved;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.Deadline;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Proposal;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The same ledger with another policy, decided by the rules in force.
 *
 * <p>Without a moment to begin at, the policy is published at the end. With one, it is in force from there on, and everything that
 * was observed later is decided again. Answers to builds then count for the build that this other fleet ordered in its
 * place for the target, whoever was given it; policies published later are left out; deadlines that only the other fleet has pass
 * in its own time. What hosts reported about themselves is taken as it was: a module that they installed later counts as installed.
 */
public final class WhatIf {

    private static final Duration LATENESS = Duration.ofMinutes(2);

    private final Policy policy;
    private final Optional<Moment> since;
    private final FleetAt recorded;
    private final Map<BuildTarget, List<Decision.Build>> recordedOrders = new HashMap<>();
    private final Map<BuildTarget, List<Decision.Build>> orders = new HashMap<>();
    private final Set<DecisionId> answered = new HashSet<>();
    private final Map<BuildTarget, Needed> builds = new TreeMap<>();
    private FleetState recordedBefore;
    private FleetState state;
    private long begunAt;
    private long decidedAgain;
    private long recordedBuilds;
    private long otherRules;
    private long policiesLeftOut;
    private long answersLeftOut;

    public WhatIf(Policy policy, Optional<Moment> since) {
        this(policy, since, new FleetAt(Moment.END));
    }

    private WhatIf(Policy policy, Optional<Moment> since, FleetAt recorded) {
        this.policy = policy;
        this.since = since;
        this.recorded = recorded;
    }

    /** With the policy published now, on what is known now: what would change before anything else happens. */
    public static Outcome now(FleetState state, Policy policy) {
        return new WhatIf(policy, Optional.empty(), new FleetAt(state)).outcome();
    }

    /** What a host is told about one module on one kernel. @param of the package, or the source to build; empty for others */
    public record Answer(String decision, Reason reason, String of) {}

    /** Whose answer is another one; an absent answer: the module is not wanted there. */
    public record Change(
            HostId host,
            String hostname,
            String release,
            String module,
            Optional<Answer> before,
            Optional<Answer> after) {}

    /** A build that is given under the other policy. */
    public record Needed(BuildTarget target, HostId builder, String hostname) {}

    /** How many answers there are of a kind, as recorded and under the other policy. */
    public record Count(String decision, String reason, long before, long after) {}

    /**
     * @param since the position after which the policy was put in force
     * @param decidedAgain later observations that were decided again
     * @param hosts hosts known at the end
     * @param hostsChanged hosts for which something changes
     * @param changes every change, by host
     * @param builds builds that are given under the other policy, by target
     * @param recordedBuilds builds that were given in the same time as it was
     * @param policiesLeftOut policies published later
     * @param answersLeftOut results of builds that nobody would have been given
     * @param otherRules later entries that were decided by other rules than those in force
     */
    public record Outcome(
            long since,
            long position,
            long decidedAgain,
            long hosts,
            long hostsChanged,
            List<Count> counts,
            List<Change> changes,
            List<Needed> builds,
            long recordedBuilds,
            long policiesLeftOut,
            long answersLeftOut,
            long otherRules) {}

    /** Whether more is wanted. */
    public boolean next(Line line) {
        Optional<LedgerEntry> entry = line instanceof Line.Read read ? Optional.of(read.entry()) : Optional.empty();
        boolean later = state == null
                && entry.isPresent()
                && since.map(moment -> moment.isBefore(entry.get())).orElse(false);
        if (later) {
            begin();
        }
        recordedBefore = recorded.state();
        boolean more = recorded.next(line);
        if (entry.isPresent() && recorded.state().position() > recordedBefore.position()) {
            take(entry.get());
        }
        return more;
    }

    /** Everything was told. */
    public Outcome outcome() {
        if (state == null) {
            begin();
        }
        Map<Subject, Answer> before = answers(recorded.state());
        Map<Subject, Answer> after = answers(state);
        List<Change> changes = new ArrayList<>();
        Map<Subject, Answer> all = new TreeMap<>(before);
        all.putAll(after);
        for (Subject subject : all.keySet()) {
            Optional<Answer> old = Optional.ofNullable(before.get(subject));
            Optional<Answer> other = Optional.ofNullable(after.get(subject));
            if (!old.equals(other)) {
                changes.add(new Change(
                        subject.host(), nameOf(subject.host()), subject.release(), subject.module(), old, other));
            }
        }
        return new Outcome(
                begunAt,
                recorded.state().position(),
                decidedAgain,
                recorded.state().hostCount(),
                changes.stream().map(Change::host).distinct().count(),
                counts(before, after),
                changes,
                List.copyOf(builds.values()),
                recordedBuilds,
                policiesLeftOut,
                answersLeftOut,
                otherRules);
    }

    private void begin() {
        FleetState now = recorded.state();
        begunAt = now.position();
        state = now;
        decide(own(Envelope.OPERATOR, now.now(), new PolicyPublished("what-if", policy)), now.now());
        while (state.proposal().isPresent()) {
            Proposal waiting = state.proposal().get();
            decide(
                    own(
                            Envelope.OPERATOR,
                            now.now(),
                            new PolicyApproved(
                                    "what-if " + (waiting.approvers().size() + 1),
                                    waiting.publication().position())),
                    now.now());
        }
    }

    private void take(LedgerEntry entry) {
        if (state == null) {
            note(recordedOrders, entry.decisions());
            note(orders, entry.decisions());
            ended(entry.envelope().observation());
            return;
        }
        note(recordedOrders, entry.decisions());
        recordedBuilds += entry.decisions().stream()
                .filter(Decision.Build.class::isInstance)
                .count();
        otherRules += entry.rules() == Step.RULES ? 0 : 1;
        Observation observation = entry.envelope().observation();
        keepTime(entry.takenAt().minus(LATENESS));
        if (observation instanceof PolicyPublished) {
            policiesLeftOut++;
        } else if (observation instanceof PolicyApproved) {
            // Of one that was left out, or that had been overtaken.
            return;
        } else if (observation instanceof BuildOverdue || observation instanceof DeadlinePassed) {
            deadlineLike(observation).ifPresent(due -> strike(due, entry.takenAt()));
        } else if (observation instanceof BuildSucceeded || observation instanceof BuildFailed) {
            translated(entry.envelope())
                    .ifPresentOrElse(answer -> decideAgain(answer, entry.takenAt()), () -> answersLeftOut++);
        } else {
            decideAgain(entry.envelope(), entry.takenAt());
        }
    }

    private void decideAgain(Envelope envelope, Instant takenAt) {
        decidedAgain++;
        decide(envelope, takenAt);
    }

    private void decide(Envelope envelope, Instant takenAt) {
        Step step = Step.take(state, envelope, takenAt);
        state = step.after();
        ended(envelope.observation());
        note(orders, step.decisions());
        for (Decision decision : step.decisions()) {
            if (decision instanceof Decision.Build build) {
                HostId builder = build.subject().host();
                builds.put(build.target(), new Needed(build.target(), builder, nameOf(builder)));
            }
        }
    }

    private static void note(Map<BuildTarget, List<Decision.Build>> orders, List<Decision> decisions) {
        for (Decision decision : decisions) {
            if (decision instanceof Decision.Build build) {
                orders.computeIfAbsent(build.target(), any -> new ArrayList<>()).add(build);
            }
        }
    }

    private void ended(Observation observation) {
        if (observation instanceof BuildSucceeded built) {
            answered.add(built.build());
        } else if (observation instanceof BuildFailed failed) {
            answered.add(failed.build());
        }
    }

    /**
     * Strikes what only this fleet waits for. What both wait for passes when it passed in the ledger: nobody knows how wrong the
     * clocks were.
     */
    private void keepTime(Instant until) {
        if (state.nextDeadline().filter(due -> !due.at().isAfter(until)).isEmpty()) {
            return;
        }
        Set<Object> recordedToo = new HashSet<>();
        recordedBefore.deadlines().forEach(due -> recordedToo.add(kindOf(due.observation())));
        for (Deadline due : state.deadlines()) {
            if (!due.at().isAfter(until) && !recordedToo.contains(kindOf(due.observation()))) {
                strike(due, due.at().isAfter(state.now()) ? due.at() : state.now());
            }
        }
    }

    private void strike(Deadline due, Instant at) {
        decide(own(Envelope.TICKER, at, due.observation()), at);
    }

    private Optional<Deadline> deadlineLike(Observation tick) {
        return state.deadlines().stream()
                .filter(due -> kindOf(due.observation()).equals(kindOf(tick)))
                .findFirst();
    }

    /** What is waited for, whichever build it is about. */
    private static Object kindOf(Observation tick) {
        return tick instanceof BuildOverdue overdue ? overdue.target() : tick;
    }

    /** The same answer to the build of this fleet; none where nobody was told to build. What nobody had ordered stays that. */
    private Optional<Envelope> translated(Envelope envelope) {
        if (envelope.observation() instanceof BuildSucceeded built) {
            if (placeOf(built.target(), built.build(), built.host()) < 0) {
                return Optional.of(envelope);
            }
            return counterpart(built.target(), built.build(), built.host())
                    .map(build -> own(
                            build.subject().host().value(),
                            envelope.at(),
                            new BuildSucceeded(
                                    build.subject().host(),
                                    build.id(),
                                    built.target(),
                                    built.packageDigest(),
                                    built.log(),
                                    built.millis())));
        }
        BuildFailed failed = (BuildFailed) envelope.observation();
        if (placeOf(failed.target(), failed.build(), failed.host()) < 0) {
            return Optional.of(envelope);
        }
        return counterpart(failed.target(), failed.build(), failed.host())
                .map(build -> own(
                        build.subject().host().value(),
                        envelope.at(),
                        new BuildFailed(
                                build.subject().host(),
                                build.id(),
                                failed.target(),
                                failed.failure(),
                                failed.exitCode(),
                                failed.error(),
                                failed.log())));
    }

    /** Which of the recorded builds of that target it was; negative where nobody had ordered it. */
    private int placeOf(BuildTarget target, DecisionId build, HostId host) {
        List<Decision.Build> recordedBuilds = recordedOrders.getOrDefault(target, List.of());
        for (int i = 0; i < recordedBuilds.size(); i++) {
            Decision.Build order = recordedBuilds.get(i);
            if (order.id().equals(build) && order.subject().host().equals(host)) {
                return i;
            }
        }
        return -1;
    }

    /** The build with the same place among those of this target here; else the last one, where it has no answer yet. */
    private Optional<Decision.Build> counterpart(BuildTarget target, DecisionId build, HostId host) {
        List<Decision.Build> here = orders.getOrDefault(target, List.of());
        int place = placeOf(target, build, host);
        if (place < here.size()) {
            return Optional.of(here.get(place));
        }
        return here.isEmpty()
                ? Optional.empty()
                : Optional.of(here.get(here.size() - 1)).filter(last -> !answered.contains(last.id()));
    }

    /** With the number that its source had last, so that its own counting goes on as it did. */
    private Envelope own(String source, Instant at, Observation observation) {
        Taken last = state.lastOf(source).orElse(new Taken(1, 1));
        return new Envelope(source, last.epoch(), last.sequence(), at, observation);
    }

    private String nameOf(HostId host) {
        return recorded.state().report(host).map(HostReport::hostname).orElse("");
    }

    private static Map<Subject, Answer> answers(FleetState state) {
        Map<Subject, Answer> answers = new TreeMap<>();
        for (HostId host : state.hostIds()) {
            HostReport report = state.report(host).orElseThrow();
            for (Decision decision : state.standing(host)) {
                boolean wanted = state.policy()
                        .flatMap(
                                known -> known.module(report, decision.subject().module()))
                        .isPresent();
                if (wanted) {
                    answers.put(
                            decision.subject(),
                            new Answer(Divergence.kindOf(decision), decision.reason(), objectOf(decision)));
                }
            }
        }
        return answers;
    }

    private static String objectOf(Decision decision) {
        Optional<Digest> object = decision instanceof Decision.Reuse reuse
                ? Optional.of(reuse.packageDigest())
                : decision instanceof Decision.Build build
                        ? Optional.of(build.target().source())
                        : Optional.empty();
        return object.map(Digest::toString).orElse("");
    }

    private static List<Count> counts(Map<Subject, Answer> before, Map<Subject, Answer> after) {
        record Kind(String decision, String reason) implements Comparable<Kind> {
            static Kind of(Answer answer) {
                return new Kind(answer.decision(), answer.reason().name());
            }

            @Override
            public int compareTo(Kind other) {
                int order = decision.compareTo(other.decision);
                return order != 0 ? order : reason.compareTo(other.reason);
            }
        }
        Map<Kind, Long> old = new TreeMap<>();
        before.values().forEach(answer -> old.merge(Kind.of(answer), 1L, Long::sum));
        Map<Kind, Long> other = new TreeMap<>();
        after.values().forEach(answer -> other.merge(Kind.of(answer), 1L, Long::sum));
        Map<Kind, Long> all = new TreeMap<>(old);
        all.putAll(other);
        return all.keySet().stream()
                .map(kind -> new Count(
                        kind.decision(), kind.reason(), old.getOrDefault(kind, 0L), other.getOrDefault(kind, 0L)))
                .toList();
    }
}
