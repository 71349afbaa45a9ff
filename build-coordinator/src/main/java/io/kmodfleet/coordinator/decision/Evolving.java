package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import io.kmodfleet.coordinator.decision.TargetState.Failure;
import io.kmodfleet.coordinator.decision.TargetState.Running;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** How the state follows from what was seen and what was decided. Decides nothing. */
final class Evolving {

    private Evolving() {}

    /** The state at the next position, knowing the observation. */
    static FleetState by(FleetState before, Envelope envelope, Instant takenAt) {
        boolean anew = before.startsAnew(envelope);
        FleetState state = before.atNextPosition(takenAt).counting(envelope);
        return envelope.observation().match(new Observation.Cases<>() {
            @Override
            public FleetState on(Observation.HostReported event) {
                FleetState known = anew ? forgetting(state, event.host()) : state;
                return reported(known, event.host(), event.report());
            }

            @Override
            public FleetState on(Observation.BuildSucceeded event) {
                return state.change(event.target(), target -> {
                    boolean ordered = target.running()
                            .map(running -> running.equals(new Running(event.build(), event.host())))
                            .orElse(false);
                    // A package that nobody ordered is known, and never offered.
                    return ordered
                            ? released(
                                    target.changePackage(event.packageDigest(), built -> built.builtBy(event.host())))
                            : target;
                });
            }

            @Override
            public FleetState on(Observation.BuildFailed event) {
                return state.change(event.target(), target -> {
                    Optional<Running> rest = target.running()
                            .filter(running -> !running.equals(new Running(event.build(), event.host())));
                    TargetState released = target.withRunning(rest);
                    return event.failure() == Observation.FailureClass.NOT_APPLICABLE
                            ? released.withNotApplicable(event.error())
                            : released.withFailure(new Failure(event.host(), event.error()));
                });
            }

            @Override
            public FleetState on(Observation.ModuleInstalled event) {
                return state.change(
                        event.target(),
                        target -> target.find(event.packageDigest()).isEmpty()
                                ? target
                                : target.changePackage(event.packageDigest(), tried -> tried.shown(event.proof())));
            }

            @Override
            public FleetState on(Observation.InstallFailed event) {
                return state.change(
                        event.target(),
                        target -> target.find(event.packageDigest()).isEmpty()
                                ? target
                                : target.changePackage(event.packageDigest(), tried -> tried.failedOn(event.host())));
            }

            @Override
            public FleetState on(Observation.SourceStored event) {
                return state.with(event);
            }

            @Override
            public FleetState on(Observation.PackageStored event) {
                return state.change(
                        event.target(),
                        target -> released(target.changePackage(
                                event.packageDigest(), stored -> stored.storedWith(event.bodies()))));
            }

            @Override
            public FleetState on(Observation.PackageRefused event) {
                return state;
            }

            @Override
            public FleetState on(Observation.PolicyPublished event) {
                return withoutFailures(state.with(event.policy()));
            }
        });
    }

    /** The state knowing a decision that was taken. */
    static FleetState by(FleetState state, Decision decision) {
        Subject subject = decision.subject();
        Optional<HostState> known = state.hosts().get(subject.host());
        if (known.isEmpty()) {
            return state;
        }
        HostState host = known.get();
        FleetState rest = host.standing()
                .get(subject)
                .flatMap(Standing::asksFor)
                .filter(asked -> !state.targetOf(subject).equals(Optional.of(asked)))
                .map(asked -> state.change(
                        asked, target -> target.withAskers(target.askers().without(subject))))
                .orElse(state);
        Optional<BuildTarget> target = rest.targetOf(subject);
        FleetState told =
                rest.with(subject.host(), host.with(host.standing().with(subject, new Standing(decision, target))));
        return decision.match(new Decision.Cases<>() {
            @Override
            public FleetState on(Decision.Keep keep) {
                return served();
            }

            @Override
            public FleetState on(Decision.Reuse reuse) {
                return served().change(
                                reuse.target(),
                                of -> of.changePackage(
                                        reuse.packageDigest(),
                                        offered -> offered.isProven(reuse.proof())
                                                ? offered
                                                : offered.triedBy(subject.host())));
            }

            @Override
            public FleetState on(Decision.Build build) {
                return asking().change(
                                build.target(),
                                of -> of.withRunning(Optional.of(new Running(build.id(), subject.host()))));
            }

            @Override
            public FleetState on(Decision.Wait wait) {
                return asking();
            }

            @Override
            public FleetState on(Decision.Reject reject) {
                return asking();
            }

            private FleetState asking() {
                return target.map(asked -> told.change(
                                asked, of -> of.withAskers(of.askers().with(subject, decision.id()))))
                        .orElse(told);
            }

            private FleetState served() {
                return target.map(asked -> told.change(
                                asked, of -> of.withAskers(of.askers().without(subject))))
                        .orElse(told);
            }
        });
    }

    /** A build is over when its package is both claimed and stored, whichever is heard of first. */
    private static TargetState released(TargetState target) {
        Optional<Running> rest = target.running().filter(running -> target.packages().stream()
                .noneMatch(known -> known.isOffered() && known.builder().equals(Optional.of(running.builder()))));
        return target.withRunning(rest);
    }

    private static FleetState reported(FleetState before, HostId id, HostReport report) {
        Optional<HostState> known = before.hosts().get(id);
        FleetState state = before;
        if (known.isPresent()) {
            for (KernelState kernel : known.get().report().kernels()) {
                Optional<KernelImage> image = KernelImage.of(kernel.identity());
                state = image.isPresent() ? state.removing(id, image.get()) : state;
            }
        }
        for (KernelState kernel : report.kernels()) {
            Optional<KernelImage> image = KernelImage.of(kernel.identity());
            state = image.isPresent() ? state.placing(id, image.get()) : state;
            state = image.isPresent() ? knowingLoaded(state, image.get(), kernel) : state;
        }
        HostState host =
                known.map(old -> old.with(report)).orElseGet(() -> new HostState(report, PersistentMap.empty()));
        return withoutVanished(state.with(id, host), id, host);
    }

    /** A module that runs is proof of load for the package it came in. */
    private static FleetState knowingLoaded(FleetState before, KernelImage image, KernelState kernel) {
        FleetState state = before;
        for (InstalledModule module : kernel.modules()) {
            Optional<Digest> source = before.policy()
                    .flatMap(policy -> policy.module(module.name()))
                    .map(wanted -> wanted.source());
            if (!module.loaded() || source.isEmpty()) {
                continue;
            }
            BuildTarget target = image.with(source.get());
            Optional<PackageState> loaded = before.target(target).packages().stream()
                    .filter(known -> known.bodies().contains(module.body()))
                    .findFirst();
            if (loaded.isPresent()) {
                state = state.change(
                        target, of -> of.changePackage(loaded.get().digest(), known -> known.shown(Proof.LOAD)));
            }
        }
        return state;
    }

    /** Drops what stood for kernels that the host no longer has, and for images that were exchanged. */
    private static FleetState withoutVanished(FleetState before, HostId id, HostState host) {
        FleetState state = before;
        PersistentMap<Subject, Standing> standing = host.standing();
        for (Map.Entry<Subject, Standing> entry : host.standing()) {
            Subject subject = entry.getKey();
            Optional<BuildTarget> asked = entry.getValue().asksFor();
            boolean gone = host.report().kernel(subject.release()).isEmpty()
                    || asked.isPresent() && !asked.equals(state.targetOf(subject));
            if (gone) {
                standing = standing.without(subject);
                state = asked.isPresent() ? releasing(state, asked.get(), subject) : state;
            }
        }
        return state.with(id, host.with(standing));
    }

    /** A host whose agent lost its memory does not know what it was told: nothing stands, and its builds are nobody's. */
    private static FleetState forgetting(FleetState before, HostId id) {
        Optional<HostState> known = before.hosts().get(id);
        if (known.isEmpty()) {
            return before;
        }
        FleetState state = before;
        for (Map.Entry<Subject, Standing> entry : known.get().standing()) {
            Optional<BuildTarget> asked = entry.getValue().asksFor();
            state = asked.isPresent() ? releasing(state, asked.get(), entry.getKey()) : state;
        }
        return state.with(id, known.get().with(PersistentMap.empty()));
    }

    private static FleetState releasing(FleetState state, BuildTarget target, Subject subject) {
        return state.change(target, of -> of.withAskers(of.askers().without(subject))
                .withRunning(of.running().filter(running -> !running.builder().equals(subject.host()))));
    }

    /** Publishing a policy asks for everything again. */
    private static FleetState withoutFailures(FleetState before) {
        FleetState state = before;
        for (Map.Entry<BuildTarget, TargetState> entry : before.targets()) {
            if (!entry.getValue().failures().isEmpty()) {
                state = state.change(entry.getKey(), TargetState::withoutFailures);
            }
        }
        return state;
    }
}
