package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import io.kmodfleet.coordinator.decision.TargetState.Running;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Whom rules 1 answer after an observation. As released; nothing here changes any more. */
final class Decider1 {

    private final List<Decision> decisions = new ArrayList<>();
    private FleetState state;

    private Decider1(FleetState state) {
        this.state = state;
    }

    /** The step; its state is the one that {@link Step#settle} comes to. */
    static Step decide(FleetState before, Envelope envelope, Instant takenAt) {
        Decider1 decider = new Decider1(Evolving.by(before, envelope, takenAt, 1));
        for (Subject subject : concerned(before, decider.state, envelope.observation())) {
            decider.answer(subject);
        }
        return new Step(envelope, takenAt, List.copyOf(decider.decisions), decider.state);
    }

    private void answer(Subject subject) {
        Optional<Rules1.Question> question = Rules1.Question.of(state, subject);
        if (question.isEmpty()) {
            return;
        }
        Rules1.Answer answer = Rules1.answer(question.get());
        // A build that was given to another host is told to that host before the one that asked.
        answer.alsoFor().ifPresent(this::take);
        take(answer.draft());
    }

    /** Takes an answer that is not in force already. */
    private void take(Draft draft) {
        DecisionId id = new DecisionId(state.position(), decisions.size());
        Decision decision = draft.with(id);
        Optional<Decision> standing = state.standing(decision.subject()).map(Standing::decision);
        boolean stands =
                standing.map(old -> draft.with(old.id()).equals(old)).orElse(false) && !isBuildToGiveAgain(decision);
        if (!stands) {
            decisions.add(decision);
            state = Evolving.by(state, decision);
        }
    }

    /** A build that ended badly and is given to the same host again reads the same and is another one. */
    private boolean isBuildToGiveAgain(Decision decision) {
        return decision instanceof Decision.Build build
                && state.target(build.target()).running().isEmpty();
    }

    private static Iterable<Subject> concerned(FleetState before, FleetState after, Observation observation) {
        return observation.match(new Observation.Cases<>() {
            @Override
            public Iterable<Subject> on(Observation.HostReported event) {
                Set<Subject> subjects = new LinkedHashSet<>(subjectsOf(after, event.host()));
                HostState now = after.hosts().get(event.host()).orElseThrow();
                for (KernelState kernel : now.report().kernels()) {
                    boolean newBuilder = now.canBuildFor(kernel) && !couldBuild(before, event.host(), kernel);
                    for (BuildTarget target : targetsOf(after, kernel)) {
                        boolean newProof = !before.target(target)
                                .packages()
                                .equals(after.target(target).packages());
                        subjects.addAll(newBuilder || newProof ? askers(after, target) : List.of());
                    }
                }
                released(before, after).forEach(target -> subjects.addAll(askers(after, target)));
                return subjects;
            }

            @Override
            public Iterable<Subject> on(Observation.BuildSucceeded event) {
                return askers(after, event.target());
            }

            @Override
            public Iterable<Subject> on(Observation.BuildFailed event) {
                return askers(after, event.target());
            }

            @Override
            public Iterable<Subject> on(Observation.ModuleInstalled event) {
                return onPackage(event.host(), event.target(), event.packageDigest());
            }

            @Override
            public Iterable<Subject> on(Observation.InstallFailed event) {
                return onPackage(event.host(), event.target(), event.packageDigest());
            }

            @Override
            public Iterable<Subject> on(Observation.SourceStored event) {
                return before.hasSource(event.source()) ? List.of() : everybody(after);
            }

            @Override
            public Iterable<Subject> on(Observation.PackageStored event) {
                return askers(after, event.target());
            }

            @Override
            public Iterable<Subject> on(Observation.PackageRefused event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.PolicyPublished event) {
                return everybody(after);
            }

            @Override
            public Iterable<Subject> on(Observation.LoadFailed event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.KernelExportsReported event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.PackageRecalled event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.RetryRequested event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.BuildOverdue event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.DeadlinePassed event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.PolicyApproved event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.HostHeld event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.HostReleased event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.RiskAccepted event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.PackageDamaged event) {
                return List.of();
            }

            @Override
            public Iterable<Subject> on(Observation.PackageHealed event) {
                return List.of();
            }

            private Iterable<Subject> onPackage(HostId host, BuildTarget target, Digest digest) {
                boolean changed = !before.target(target)
                        .find(digest)
                        .equals(after.target(target).find(digest));
                if (!changed) {
                    return List.of();
                }
                Set<Subject> subjects = new LinkedHashSet<>(subjectsOf(after, host));
                subjects.addAll(askers(after, target));
                return subjects;
            }
        });
    }

    private static boolean couldBuild(FleetState before, HostId host, KernelState kernel) {
        return before.hosts()
                .get(host)
                .flatMap(known -> known.report()
                        .kernel(kernel.identity().release())
                        .filter(old -> old.identity().isSameImageAs(kernel.identity()))
                        .map(known::canBuildFor))
                .orElse(false);
    }

    /** Targets whose build was taken from a host that forgot it. */
    private static List<BuildTarget> released(FleetState before, FleetState after) {
        List<BuildTarget> released = new ArrayList<>();
        for (Map.Entry<BuildTarget, TargetState> entry : before.targets()) {
            Optional<Running> running = entry.getValue().running();
            if (running.isPresent() && after.target(entry.getKey()).running().isEmpty()) {
                released.add(entry.getKey());
            }
        }
        return released;
    }

    private static List<BuildTarget> targetsOf(FleetState state, KernelState kernel) {
        Optional<KernelImage> image = KernelImage.of(kernel.identity());
        return image.isEmpty()
                ? List.of()
                : state.policy().map(Policy::modules).orElse(List.of()).stream()
                        .map(module -> image.get().with(module.source()))
                        .toList();
    }

    private static List<Subject> askers(FleetState state, BuildTarget target) {
        return state.target(target).askers().all();
    }

    private static List<Subject> everybody(FleetState state) {
        List<Subject> subjects = new ArrayList<>();
        for (Map.Entry<HostId, HostState> entry : state.hosts()) {
            subjects.addAll(subjectsOf(state, entry.getKey()));
        }
        return subjects;
    }

    private static List<Subject> subjectsOf(FleetState state, HostId host) {
        List<Subject> subjects = new ArrayList<>();
        for (KernelState kernel : state.report(host).orElseThrow().kernels()) {
            for (WantedModule module : state.policy().map(Policy::modules).orElse(List.of())) {
                subjects.add(new Subject(host, kernel.identity().release(), module.name()));
            }
        }
        return subjects;
    }
}
