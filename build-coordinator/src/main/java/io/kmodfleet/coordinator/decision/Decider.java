package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Who has to be answered anew after an observation, in which order, and whether the answer is another one than before. */
final class Decider {

    private final List<Decision> decisions = new ArrayList<>();
    private FleetState state;

    private Decider(FleetState state) {
        this.state = state;
    }

    /** The step; its state is the one that {@link Step#settle} comes to. */
    static Step decide(FleetState before, Envelope envelope, Instant takenAt) {
        Decider decider = new Decider(Evolving.by(before, envelope, takenAt, Step.RULES));
        Concerned concerned = new Concerned(before, decider.state);
        for (Subject subject : concerned.by(envelope.observation())) {
            decider.answer(subject);
        }
        decider.useFreeBuilds(before);
        return new Step(envelope, takenAt, List.copyOf(decider.decisions), decider.state);
    }

    private void answer(Subject subject) {
        Optional<Question> question = Question.of(state, subject);
        if (question.isEmpty()) {
            return;
        }
        Rules.Answer answer = Rules.answer(question.get());
        // A build that was given to another host is told to that host before the one that asked.
        answer.alsoFor().ifPresent(this::take);
        take(answer.draft());
    }

    /** Where a build ended and none took its place: those that waited for it, the first to ask first. */
    private void useFreeBuilds(FleetState before) {
        int most =
                state.policy().map(policy -> policy.limits().mostBuildsAtOnce()).orElse(0);
        boolean more = state.queue().size() < before.queue().size() || state.buildsUnderWay() < before.buildsUnderWay();
        if (!more) {
            return;
        }
        for (Map.Entry<DecisionId, BuildTarget> entry : state.queue()) {
            if (state.buildsUnderWay() >= most) {
                return;
            }
            state.target(entry.getValue()).askers().all().forEach(this::answer);
        }
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

    /** Whose answer may be another one now. Rather too many than too few: who gets the same answer is not told again. */
    private static final class Concerned implements Observation.Cases<Iterable<Subject>> {
        private final FleetState before;
        private final FleetState after;

        Concerned(FleetState before, FleetState after) {
            this.before = before;
            this.after = after;
        }

        Iterable<Subject> by(Observation observation) {
            return observation.match(this);
        }

        @Override
        public Iterable<Subject> on(Observation.HostReported event) {
            Set<Subject> subjects = new LinkedHashSet<>(subjectsOf(event.host()));
            HostState now = after.hosts().get(event.host()).orElseThrow();
            for (KernelState kernel : now.report().kernels()) {
                Optional<KernelImage> image = KernelImage.of(kernel.identity());
                boolean helps = image.isPresent() && helpsMore(event.host(), now, kernel, image.get());
                for (WantedModule module : image.isPresent() ? wanted(now.report()) : List.<WantedModule>of()) {
                    BuildTarget target = image.get().with(module.source());
                    TargetState known = after.target(target);
                    boolean stuck = known.running().isEmpty() && known.current().isEmpty();
                    if (helps && stuck || goesFurther(target, module) || isCanary(event.host(), known, module)) {
                        subjects.addAll(askers(target));
                    }
                }
            }
            // A host that is no longer to try a package, or no longer in the roll-out of one.
            for (Map.Entry<Subject, Standing> entry :
                    before.hosts().get(event.host()).map(HostState::standing).orElse(PersistentMap.empty())) {
                Optional<BuildTarget> asked = entry.getValue().asksFor();
                if (asked.isPresent()
                        && before.target(asked.get()).packages()
                                != after.target(asked.get()).packages()) {
                    subjects.addAll(askers(asked.get()));
                }
            }
            // Builds that were taken from a host that forgot them, or that no longer has their kernel.
            for (Map.Entry<BuildTarget, BuildTarget> build : before.buildsBy(event.host())) {
                if (after.target(build.getKey()).running().isEmpty()) {
                    subjects.addAll(askers(build.getKey()));
                }
            }
            return subjects;
        }

        /** Whoever waits for it may not have to, or may have to again. */
        private static boolean isCanary(HostId host, TargetState known, WantedModule module) {
            return known.current()
                    .filter(offered -> !offered.isProven(module.proof()))
                    .flatMap(PackageState::canary)
                    .equals(Optional.of(host));
        }

        @Override
        public Iterable<Subject> on(Observation.BuildSucceeded event) {
            Set<Subject> subjects = new LinkedHashSet<>(askers(event.target()));
            subjects.addAll(onDissent(event.target()));
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.BuildFailed event) {
            return askers(event.target());
        }

        @Override
        public Iterable<Subject> on(Observation.ModuleInstalled event) {
            return onPackage(event.host(), event.target());
        }

        @Override
        public Iterable<Subject> on(Observation.InstallFailed event) {
            return onPackage(event.host(), event.target());
        }

        @Override
        public Iterable<Subject> on(Observation.LoadFailed event) {
            Set<Subject> subjects = new LinkedHashSet<>(onPackage(event.host(), event.target()));
            subjects.addAll(onRecall(event.target(), event.packageDigest()));
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.PackageRecalled event) {
            return onRecall(event.target(), event.packageDigest());
        }

        @Override
        public Iterable<Subject> on(Observation.RetryRequested event) {
            Set<Subject> subjects = new LinkedHashSet<>();
            for (Map.Entry<BuildTarget, TargetState> entry : before.targets()) {
                if (after.target(entry.getKey()) != entry.getValue()) {
                    subjects.addAll(askers(entry.getKey()));
                }
            }
            event.host().ifPresent(host -> subjects.addAll(subjectsOf(host)));
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.SourceStored event) {
            if (before.hasSource(event.source())) {
                return List.of();
            }
            Set<Subject> subjects = new LinkedHashSet<>();
            for (Map.Entry<BuildTarget, TargetState> entry : after.targets()) {
                if (entry.getKey().source().equals(event.source())) {
                    subjects.addAll(askers(entry.getKey()));
                }
            }
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.KernelExportsReported event) {
            KernelImage image = new KernelImage(event.arch(), event.release(), event.image());
            Set<Subject> subjects = new LinkedHashSet<>();
            for (HostId host : before.exports().get(image).isPresent() ? List.<HostId>of() : after.hostsWith(image)) {
                subjects.addAll(subjectsOf(host));
            }
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.PackageStored event) {
            Set<Subject> subjects = new LinkedHashSet<>(askers(event.target()));
            subjects.addAll(onOtherImages(event.target()));
            subjects.addAll(onDissent(event.target()));
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.PackageRefused event) {
            return List.of();
        }

        @Override
        public Iterable<Subject> on(Observation.PolicyPublished event) {
            return onPolicy();
        }

        @Override
        public Iterable<Subject> on(Observation.PolicyApproved event) {
            return onPolicy();
        }

        private Iterable<Subject> onPolicy() {
            if (before.inForce().equals(after.inForce())) {
                return List.of();
            }
            List<Subject> subjects = new ArrayList<>();
            for (Map.Entry<HostId, HostState> entry : after.hosts()) {
                subjects.addAll(subjectsOf(entry.getKey()));
            }
            return subjects;
        }

        @Override
        public Iterable<Subject> on(Observation.BuildOverdue event) {
            return askers(event.target());
        }

        @Override
        public Iterable<Subject> on(Observation.DeadlinePassed event) {
            return askers(event.target());
        }

        @Override
        public Iterable<Subject> on(Observation.HostHeld event) {
            return onHold(event.host());
        }

        @Override
        public Iterable<Subject> on(Observation.HostReleased event) {
            return onHold(event.host());
        }

        @Override
        public Iterable<Subject> on(Observation.RiskAccepted event) {
            return List.of();
        }

        @Override
        public Iterable<Subject> on(Observation.PackageDamaged event) {
            return onBytes(event.target());
        }

        @Override
        public Iterable<Subject> on(Observation.PackageHealed event) {
            return onBytes(event.target());
        }

        /** The host, and those that it builds or tries a package for, or may now. */
        private Iterable<Subject> onHold(HostId host) {
            if (before.held(host).equals(after.held(host))) {
                return List.of();
            }
            Set<Subject> subjects = new LinkedHashSet<>(subjectsOf(host));
            Optional<HostReport> report = after.report(host);
            for (KernelState kernel : report.map(HostReport::kernels).orElse(List.of())) {
                Optional<KernelImage> image = KernelImage.of(kernel.identity());
                for (WantedModule module : image.isPresent() ? wanted(report.get()) : List.<WantedModule>of()) {
                    subjects.addAll(askers(image.get().with(module.source())));
                }
            }
            return subjects;
        }

        private Iterable<Subject> onBytes(BuildTarget target) {
            return before.target(target) == after.target(target) ? List.of() : everybodyOf(target);
        }

        /** Those that are told of it where builders begin to contradict each other, or cease to. */
        private List<Subject> onDissent(BuildTarget target) {
            return before.target(target).dissent().equals(after.target(target).dissent())
                    ? List.of()
                    : everybodyOf(target);
        }

        /** Who waits for a package of a target first, then every host that one may be for. */
        private List<Subject> everybodyOf(BuildTarget target) {
            Set<Subject> subjects = new LinkedHashSet<>(askers(target));
            for (HostId host : after.hostsWith(KernelImage.of(target))) {
                subjects.addAll(subjectsOf(host));
            }
            subjects.addAll(onOtherImages(target));
            return List.copyOf(subjects);
        }

        private List<Subject> onPackage(HostId host, BuildTarget target) {
            if (before.target(target).equals(after.target(target))) {
                return List.of();
            }
            Set<Subject> subjects = new LinkedHashSet<>(subjectsOf(host));
            boolean further = wantedOf(host, target)
                    .map(module -> goesFurther(target, module))
                    .orElse(true);
            if (further) {
                subjects.addAll(askers(target));
                subjects.addAll(onOtherImages(target));
            }
            return List.copyOf(subjects);
        }

        private List<Subject> onRecall(BuildTarget target, Digest digest) {
            boolean recalled = after.target(target)
                    .find(digest)
                    .map(PackageState::isRecalled)
                    .orElse(false);
            if (!recalled || before.target(target).equals(after.target(target))) {
                return List.of();
            }
            return everybodyOf(target);
        }

        /** Hosts of other images that packages of this target may serve. */
        private List<Subject> onOtherImages(BuildTarget target) {
            List<Subject> subjects = new ArrayList<>();
            for (PackageState known : after.target(target).packages()) {
                after.exports().forEach(entry -> {
                    boolean fits = known.needs()
                            .map(needs -> entry.getValue().offersAllOf(needs))
                            .orElse(false);
                    for (HostId host : fits ? after.hostsWith(entry.getKey()) : List.<HostId>of()) {
                        subjects.addAll(subjectsOf(host));
                    }
                });
            }
            return subjects;
        }

        /** Whether a package of this target is there for more hosts than before, or for none any more. */
        private boolean goesFurther(BuildTarget target, WantedModule module) {
            TargetState old = before.target(target);
            TargetState now = after.target(target);
            if (old == now) {
                return false;
            }
            Optional<PackageState> was = old.current();
            Optional<PackageState> is = now.current();
            boolean another = !was.map(PackageState::digest).equals(is.map(PackageState::digest));
            boolean proven = was.map(offered -> offered.isProven(module.proof()))
                            .orElse(false)
                    != is.map(offered -> offered.isProven(module.proof())).orElse(false);
            boolean failed = was.map(PackageState::failures).orElse(0)
                    != (int) is.map(PackageState::failures).orElse(0);
            return another || proven || failed || !waveOf(before, target, was).equals(waveOf(after, target, is));
        }

        private static Optional<Wave> waveOf(FleetState state, BuildTarget target, Optional<PackageState> offered) {
            int population = state.placement(KernelImage.of(target)).hosts().size();
            return state.policy()
                    .flatMap(Policy::rollout)
                    .flatMap(rollout -> offered.map(known -> Wave.of(rollout, known, population)));
        }

        private Optional<WantedModule> wantedOf(HostId host, BuildTarget target) {
            return after.report(host).flatMap(report -> wanted(report).stream()
                    .filter(module -> module.source().equals(target.source()))
                    .findFirst());
        }

        /** Whether a host can do something for others with its image that it could not do before. */
        private boolean helpsMore(HostId id, HostState now, KernelState kernel, KernelImage image) {
            Optional<HostState> old = before.hosts().get(id);
            Optional<KernelState> same = old.flatMap(
                    known -> known.report().kernel(kernel.identity().release()).filter(was -> was.identity()
                            .isSameImageAs(kernel.identity())));
            boolean builds = now.canBuildFor(kernel);
            boolean reads = kernel.symbolMap() == SymbolMap.USABLE;
            if (same.isEmpty()) {
                return builds || reads;
            }
            HostReport was = old.get().report();
            boolean sameMeans = was.compiler().equals(now.report().compiler())
                    && was.labels().equals(now.report().labels())
                    && same.get().compiler().equals(kernel.compiler());
            boolean couldBuild = old.get().canBuildFor(same.get());
            boolean couldRead = same.get().symbolMap() == SymbolMap.USABLE;
            return builds && !(couldBuild && sameMeans) || reads && !couldRead;
        }

        private List<WantedModule> wanted(HostReport report) {
            return after.policy().map(policy -> policy.modules(report)).orElse(List.of());
        }

        private List<Subject> askers(BuildTarget target) {
            return after.target(target).askers().all();
        }

        private List<Subject> subjectsOf(HostId host) {
            Optional<HostReport> report = after.report(host);
            List<Subject> subjects = new ArrayList<>();
            for (KernelState kernel : report.map(HostReport::kernels).orElse(List.of())) {
                for (WantedModule module : wanted(report.get())) {
                    subjects.add(new Subject(host, kernel.identity().release(), module.name()));
                }
            }
            return subjects;
        }
    }
}
