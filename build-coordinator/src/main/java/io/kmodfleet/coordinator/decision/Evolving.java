package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.Limits;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.FleetState.Proposal;
import io.kmodfleet.coordinator.decision.FleetState.Publication;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import io.kmodfleet.coordinator.decision.TargetState.Failure;
import io.kmodfleet.coordinator.decision.TargetState.Pause;
import io.kmodfleet.coordinator.decision.TargetState.PutOff;
import io.kmodfleet.coordinator.decision.TargetState.Running;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How the state follows from what was seen and what was decided. Decides nothing. Version 1 of the rules believed every host
 * whatever it said of a target; since version 2 only hosts that have to do with it are believed; since
 * version 3 hosts are held, packages are damaged, packages with the same modules share what is known of them, policies wait for
 * approval where the one in force wants it, answers are accepted, and whoever is waited for is believed whatever it was told since.
 */
final class Evolving {

    private static final Limits DEFAULT_LIMITS = Limits.ofFailures(2);

    private Evolving() {}

    /** The state at the next position, knowing the observation. */
    static FleetState by(FleetState before, Envelope envelope, Instant takenAt, int rules) {
        boolean anew = before.startsAnew(envelope);
        boolean believesAll = rules == 1;
        boolean sinceThree = rules >= 3;
        FleetState state = before.atNextPosition(takenAt).counting(envelope);
        return envelope.observation().match(new Observation.Cases<>() {
            @Override
            public FleetState on(Observation.HostReported event) {
                FleetState known = anew ? forgetting(state, event.host()) : state;
                return reported(known, event.host(), event.report(), sinceThree);
            }

            @Override
            public FleetState on(Observation.BuildSucceeded event) {
                // A package that nobody ordered is known, and never offered.
                return state.change(
                        event.target(),
                        target -> target.isOrdered(event.build(), event.host())
                                ? succeeded(state, target, event, sinceThree)
                                : target);
            }

            @Override
            public FleetState on(Observation.BuildFailed event) {
                return state.change(event.target(), target -> {
                    boolean ordered = target.isOrdered(event.build(), event.host());
                    Optional<Running> rest =
                            target.running().filter(running -> !running.is(event.build(), event.host()));
                    TargetState released = target.withRunning(rest).withoutOvertaken(event.build());
                    if (event.failure() == FailureClass.NOT_APPLICABLE && (ordered || believesAll)) {
                        return released.withNotApplicable(event.error());
                    }
                    Failure failure = new Failure(
                            event.host(), event.error(), event.failure(), toolchain(state, event.host()), ordered);
                    Optional<Pause> pause = ordered && event.failure() == FailureClass.INFRASTRUCTURE
                            ? Optional.of(new Pause(takenAt, limits(state).pauseAfter(target.otherFailures() + 1)))
                            : target.pause();
                    return released.withFailure(failure, pause);
                });
            }

            @Override
            public FleetState on(Observation.ModuleInstalled event) {
                if (!believesAll && !mayTell(event.host(), event.target(), event.packageDigest())) {
                    return state;
                }
                return onKnownPackage(event.target(), event.packageDigest(), tried -> tried.shown(event.proof())
                        .servedTo(event.host()));
            }

            @Override
            public FleetState on(Observation.InstallFailed event) {
                if (!believesAll && !mayTell(event.host(), event.target(), event.packageDigest())) {
                    return state;
                }
                return onKnownPackage(event.target(), event.packageDigest(), tried -> tried.failedOn(event.host()));
            }

            @Override
            public FleetState on(Observation.LoadFailed event) {
                if (!mayTell(event.host(), event.target(), event.packageDigest())) {
                    return state;
                }
                return onKnownPackage(event.target(), event.packageDigest(), tried -> {
                    PackageState failed = tried.notLoadedOn(event.host());
                    return failed.notLoadedOn().size() >= limits(state).mostLoadFailures()
                            ? failed.recalledFor("not loaded on " + nameOf(state, event.host()) + ": " + event.error())
                            : failed;
                });
            }

            @Override
            public FleetState on(Observation.PackageRecalled event) {
                return onKnownPackage(
                        event.target(),
                        event.packageDigest(),
                        known -> known.recalledFor(event.author() + ": " + event.why()));
            }

            @Override
            public FleetState on(Observation.RetryRequested event) {
                FleetState next = state;
                List<BuildTarget> asked = event.host()
                        .map(host -> targetsOf(state, host))
                        .orElseGet(() -> List.of(event.target().orElseThrow()));
                for (BuildTarget target : asked) {
                    next = next.change(target, failed -> forgiven(failed, event.host()));
                }
                return next;
            }

            @Override
            public FleetState on(Observation.SourceStored event) {
                return state.with(event);
            }

            @Override
            public FleetState on(Observation.KernelExportsReported event) {
                return state.with(new KernelImage(event.arch(), event.release(), event.image()), event.exports());
            }

            @Override
            public FleetState on(Observation.PackageStored event) {
                return state.change(
                        event.target(),
                        target -> released(twins(
                                target.changePackage(
                                        event.packageDigest(),
                                        stored -> stored.storedWith(event.bodies(), event.needs(), state.position())),
                                sinceThree)));
            }

            @Override
            public FleetState on(Observation.PackageRefused event) {
                return state;
            }

            @Override
            public FleetState on(Observation.PolicyPublished event) {
                Publication published = new Publication(state.position(), event.author(), event.policy());
                // Publishing once more what is in force asks for what failed, and changes nothing that wants approval.
                boolean waits = sinceThree
                        && state.policy()
                                .map(now -> now.approvalsWanted() > 0 && !now.equals(event.policy()))
                                .orElse(false);
                return waits
                        ? state.waiting(new Proposal(published, List.of()))
                        : withoutFailures(state.inForce(published));
            }

            @Override
            public FleetState on(Observation.PolicyApproved event) {
                Optional<Proposal> meant = state.proposal()
                        .filter(waiting -> waiting.publication().position() == event.published())
                        .filter(waiting -> waiting.mayApprove(event.author()));
                if (meant.isEmpty()) {
                    return state;
                }
                Proposal approved = meant.get().approvedBy(event.author());
                int wanted = state.policy().map(Policy::approvalsWanted).orElse(0);
                return approved.approvers().size() >= wanted
                        ? withoutFailures(state.inForce(approved.publication()))
                        : state.waiting(approved);
            }

            @Override
            public FleetState on(Observation.BuildOverdue event) {
                return state.change(
                        event.target(),
                        target -> target.running()
                                        .map(running -> running.build().equals(event.build()))
                                        .orElse(false)
                                ? target.takenAway()
                                : target);
            }

            @Override
            public FleetState on(Observation.DeadlinePassed event) {
                return state.change(event.target(), target -> {
                    if (event.waitedFor() == Reason.CANARY_RUNNING) {
                        return target.withoutSilent();
                    }
                    if (event.waitedFor() == Reason.RETRY_LATER) {
                        return target.pause().isPresent() ? target.withoutPause() : target;
                    }
                    // A window is open when the clock says so, not when somebody says that it does.
                    return target.withPutOff(target.putOff()
                            .filter(waiting ->
                                    waiting.until().map(takenAt::isBefore).orElse(true)));
                });
            }

            @Override
            public FleetState on(Observation.HostHeld event) {
                // Who gives another reason holds it since then as before.
                Instant since =
                        state.held(event.host()).map(FleetState.Held::since).orElse(takenAt);
                return sinceThree
                        ? state.with(event.host(), Optional.of(new FleetState.Held(event.author(), event.why(), since)))
                        : state;
            }

            @Override
            public FleetState on(Observation.HostReleased event) {
                return state.held(event.host()).isPresent() ? state.with(event.host(), Optional.empty()) : state;
            }

            @Override
            public FleetState on(Observation.RiskAccepted event) {
                List<DecisionId> answers = state.standing(event.host()).stream()
                        .filter(answer -> answer instanceof Decision.Reject || answer instanceof Decision.Wait)
                        .map(Decision::id)
                        .toList();
                return answers.isEmpty()
                        ? state
                        : state.accepting(
                                event.host(), new FleetState.Accepted(event.author(), event.why(), takenAt, answers));
            }

            @Override
            public FleetState on(Observation.PackageDamaged event) {
                return sinceThree
                        ? onKnownPackage(event.target(), event.packageDigest(), known -> known.damaged(true))
                        : state;
            }

            @Override
            public FleetState on(Observation.PackageHealed event) {
                FleetState healed =
                        onKnownPackage(event.target(), event.packageDigest(), known -> known.damaged(false));
                return healed.change(event.target(), target -> healed == state ? target : released(target));
            }

            private boolean mayTell(HostId host, BuildTarget target, Digest digest) {
                return hasToDoWith(state, host, target, digest)
                        || sinceThree && isWaitedFor(state, host, target, digest);
            }

            private FleetState onKnownPackage(
                    BuildTarget of, Digest digest, java.util.function.UnaryOperator<PackageState> change) {
                return state.change(
                        of,
                        target -> target.find(digest).isEmpty()
                                ? target
                                : twins(target.changePackage(digest, change), sinceThree));
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
        Optional<BuildTarget> target = state.targetOf(subject);
        FleetState rest = host.standing()
                .get(subject)
                .flatMap(Standing::asksFor)
                .filter(asked -> !target.equals(Optional.of(asked)))
                .map(asked ->
                        state.change(asked, of -> of.withAskers(of.askers().without(subject))))
                .orElse(state);
        FleetState told =
                rest.with(subject.host(), host.with(host.standing().with(subject, new Standing(decision, target))));
        return decision.match(new Decision.Cases<>() {
            @Override
            public FleetState on(Decision.Keep keep) {
                return served();
            }

            @Override
            public FleetState on(Decision.Reuse reuse) {
                boolean counted = state.policy().flatMap(Policy::rollout).isPresent();
                return served().change(
                                reuse.target(),
                                of -> of.changePackage(reuse.packageDigest(), offered -> {
                                    boolean tries = !offered.isProven(reuse.proof());
                                    PackageState tried = tries ? offered.triedBy(subject.host()) : offered;
                                    PackageState told = counted ? tried.toldTo(subject.host()) : tried;
                                    return tries || counted
                                            ? told.awaiting(
                                                    subject.host(),
                                                    state.now(),
                                                    limits(state).longestInstall())
                                            : told;
                                }));
            }

            @Override
            public FleetState on(Decision.Build build) {
                return asking().change(build.target(), of -> of.withRunning(Optional.of(new Running(
                                build.id(),
                                subject.host(),
                                state.now(),
                                limits(state).longestBuild())))
                        .withPutOff(Optional.empty()));
            }

            @Override
            public FleetState on(Decision.Wait wait) {
                boolean putOff = wait.reason() == Reason.BUILD_LIMIT || wait.reason() == Reason.OUTSIDE_WINDOW;
                return putOff && target.isPresent()
                        ? asking().change(target.get(), of -> of.withPutOff(Optional.of(putOff(of, wait, state.now()))))
                        : asking();
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

    /** What a wait for a window or for the end of other builds makes of a target; the first one keeps its place. */
    private static PutOff putOff(TargetState target, Decision.Wait wait, Instant now) {
        Optional<Instant> until = wait.facts().stream()
                .filter(fact -> fact.name().equals(Rules.UNTIL))
                .map(Fact::value)
                .map(Instant::parse)
                .findFirst();
        return target.putOff()
                .filter(before -> before.until().equals(until))
                .orElseGet(() -> new PutOff(target.putOff().map(PutOff::place).orElse(wait.id()), now, until));
    }

    /** Whether a host was told to install that package, or has it. */
    private static boolean hasToDoWith(FleetState state, HostId host, BuildTarget target, Digest digest) {
        List<Digest> bodies =
                state.target(target).find(digest).map(PackageState::bodies).orElse(List.of());
        boolean has = state.report(host).stream()
                .flatMap(report -> report.kernels().stream())
                .flatMap(kernel -> kernel.modules().stream())
                .anyMatch(module -> bodies.contains(module.body()));
        return has
                || state.standing(host).stream()
                        .anyMatch(decision -> decision instanceof Decision.Reuse reuse
                                && reuse.packageDigest().equals(digest));
    }

    /** It was told to install it before it was told to wait, and may have done so. */
    private static boolean isWaitedFor(FleetState state, HostId host, BuildTarget target, Digest digest) {
        return state.target(target)
                .find(digest)
                .flatMap(PackageState::awaited)
                .map(who -> who.hosts().get(host).isPresent())
                .orElse(false);
    }

    private static Limits limits(FleetState state) {
        return state.policy().map(Policy::limits).orElse(DEFAULT_LIMITS);
    }

    private static String toolchain(FleetState state, HostId host) {
        return state.report(host)
                .map(report -> HostState.toolchainOf(host, report))
                .orElse("that of " + host);
    }

    private static String nameOf(FleetState state, HostId host) {
        return state.report(host).map(HostReport::hostname).orElse(host.value());
    }

    private static TargetState twins(TargetState target, boolean sinceThree) {
        return sinceThree ? target.withTwinsAlike() : target;
    }

    private static TargetState succeeded(
            FleetState state, TargetState before, Observation.BuildSucceeded event, boolean sinceThree) {
        String toolchain = toolchain(state, event.host());
        TargetState target = twins(
                before.changePackage(
                                event.packageDigest(),
                                built -> built.builtBy(event.host(), toolchain, state.position()))
                        .withoutOvertaken(event.build()),
                sinceThree);
        PackageState claimed = target.find(event.packageDigest()).orElseThrow();
        // What is known already needs no store to say so again.
        TargetState ended = claimed.isOffered() && !claimed.damaged()
                ? target.withRunning(target.running().filter(running -> !running.is(event.build(), event.host())))
                : target;
        return claimed.isRecalled()
                ? ended.withFailure(
                        new Failure(
                                event.host(),
                                "it gave the package that was recalled",
                                FailureClass.BUILD,
                                toolchain,
                                true),
                        ended.pause())
                : released(ended);
    }

    /** A build is over when its package is both claimed and stored, whichever is heard of first. */
    private static TargetState released(TargetState target) {
        Optional<Running> rest = target.running().filter(running -> target.packages().stream()
                .noneMatch(known -> known.isOffered()
                        && !known.damaged()
                        && known.builder().equals(Optional.of(running.builder()))));
        return target.withRunning(rest);
    }

    private static TargetState forgiven(TargetState target, Optional<HostId> onlyOn) {
        TargetState next = target.withoutFailures();
        for (PackageState known : target.packages()) {
            next = next.changePackage(known.digest(), failed -> failed.forgiven(onlyOn));
        }
        return next;
    }

    private static List<BuildTarget> targetsOf(FleetState state, HostId host) {
        List<BuildTarget> targets = new ArrayList<>();
        state.hosts().get(host).ifPresent(known -> known.standing()
                .forEach(entry -> entry.getValue().asksFor().ifPresent(targets::add)));
        return targets;
    }

    private static FleetState reported(FleetState before, HostId id, HostReport report, boolean sinceThree) {
        Optional<HostState> known = before.hosts().get(id);
        FleetState state = before;
        HostState host =
                known.map(old -> old.with(report)).orElseGet(() -> new HostState(report, PersistentMap.empty()));
        if (known.isPresent()) {
            for (KernelState kernel : known.get().report().kernels()) {
                Optional<KernelImage> image = KernelImage.of(kernel.identity());
                boolean stays = report.kernels().stream()
                        .anyMatch(next -> KernelImage.of(next.identity()).equals(image));
                state = image.isPresent() && !stays ? state.removing(id, image.get()) : state;
            }
        }
        for (KernelState kernel : report.kernels()) {
            Optional<KernelImage> image = KernelImage.of(kernel.identity());
            if (image.isPresent()) {
                state = state.placing(id, image.get(), host, kernel);
                state = knowingLoaded(state, image.get(), report, kernel, sinceThree);
            }
        }
        return withoutVanished(state.with(id, host), id, host);
    }

    /** A module that runs is proof of load for the package it came in. */
    private static FleetState knowingLoaded(
            FleetState before, KernelImage image, HostReport report, KernelState kernel, boolean sinceThree) {
        FleetState state = before;
        for (InstalledModule module : kernel.modules()) {
            Optional<Digest> source = before.policy()
                    .flatMap(policy -> policy.module(report, module.name()))
                    .map(WantedModule::source);
            if (!module.loaded() || source.isEmpty()) {
                continue;
            }
            BuildTarget target = image.with(source.get());
            Optional<PackageState> loaded = before.target(target).packages().stream()
                    .filter(known -> known.bodies().contains(module.body()))
                    .findFirst();
            if (loaded.isPresent()) {
                state = state.change(
                        target,
                        of -> twins(
                                of.changePackage(loaded.get().digest(), known -> known.shown(Proof.LOAD)), sinceThree));
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
        return standing == host.standing() ? state : state.with(id, host.with(standing));
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
        return state.change(target, of -> {
            TargetState rest = of.withAskers(of.askers().without(subject))
                    .withRunning(
                            of.running().filter(running -> !running.builder().equals(subject.host())));
            for (PackageState known : of.packages()) {
                rest = rest.changePackage(known.digest(), offered -> offered.notToldTo(subject.host()));
            }
            return rest;
        });
    }

    /** Publishing a policy asks for everything again. */
    private static FleetState withoutFailures(FleetState before) {
        FleetState state = before;
        for (Map.Entry<BuildTarget, TargetState> entry : before.targets()) {
            state = state.change(entry.getKey(), TargetState::withoutFailures);
        }
        return state;
    }
}
