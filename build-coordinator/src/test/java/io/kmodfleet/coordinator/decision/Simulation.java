package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.digest;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/**
 * A whole fleet on a virtual clock: hosts that are honest, hang, lie, crash and forget; a broker that delays and repeats; a
 * coordinator that is killed between any two steps and whose clock jumps; a store, a ticker, an operator. One seed, one history.
 * What must hold is checked at every entry; when the faults stop, everybody must get an answer.
 */
final class Simulation {

    private static final Set<Reason> FINAL = Set.of(
            Reason.UP_TO_DATE,
            Reason.FAILED_TOO_OFTEN,
            Reason.INSTALL_FAILED,
            Reason.KNOWN_BAD,
            Reason.NO_BUILD_ENVIRONMENT,
            Reason.ROLLOUT_STOPPED);

    private final long seed;
    private final Random random;
    private final List<Host> hosts = new ArrayList<>();
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final Map<String, Long> counted = new HashMap<>();
    private final Coordinator coordinator = new Coordinator();
    private final Checks checks = new Checks();
    private final Map<Digest, BuildTarget> storedPackages = new LinkedHashMap<>();
    private final Set<Digest> damaged = new HashSet<>();
    private Instant clock = Fleet.AT;
    private long order;
    private boolean faults = true;

    private record Event(Instant at, long order, Runnable what) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = at.compareTo(other.at);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private enum Nature {
        HONEST,
        HANGS,
        LIES,
        CRASHES
    }

    Simulation(long seed) {
        this.seed = seed;
        this.random = new Random(seed);
        int size = 3 + random.nextInt(15);
        for (int i = 0; i < size; i++) {
            hosts.add(new Host("h" + i));
        }
    }

    /**
     * Plays so many ledger entries with faults, then lets them stop and everybody come to rest.
     *
     * @return entries in the ledger
     */
    int play(int entries) {
        coordinator.publishes(policy());
        operatorOrStore(new Observation.SourceStored(Fleet.SOURCE, "v4l2loopback", "0.12.7", Binding.SYMBOL_CRC));
        hosts.forEach(Host::reports);
        later(1, this::somethingHappens);
        later(1, coordinator::ticks);
        run(() -> coordinator.ledger.size() >= entries);
        calm();
        return coordinator.ledger.size();
    }

    /** What the coordinator recorded. */
    List<LedgerEntry> ledger() {
        return List.copyOf(coordinator.ledger);
    }

    private void calm() {
        faults = false;
        coordinator.clockIsOff = Duration.ZERO;
        hosts.forEach(host -> host.nature = Nature.HONEST);
        Instant end = clock.plus(Duration.ofDays(40));
        Runnable[] again = new Runnable[1];
        again[0] = () -> {
            hosts.forEach(Host::sendsAgain);
            operatorDecides();
            later(3_600, again[0]);
        };
        again[0].run();
        run(() -> clock.isAfter(end));
        hosts.forEach(Host::reports);
        Instant last = clock.plus(Duration.ofDays(2));
        run(() -> clock.isAfter(last));
        checks.everybodyHasAnAnswer();
        checks.replayIsLive();
        checks.recoveredIsUncut();
    }

    private void run(java.util.function.BooleanSupplier enough) {
        while (!events.isEmpty() && !enough.getAsBoolean()) {
            Event next = events.poll();
            clock = next.at();
            next.what().run();
        }
    }

    private void later(long seconds, Runnable what) {
        events.add(new Event(clock.plusSeconds(seconds), order++, what));
    }

    private boolean chance(int percent) {
        return faults && random.nextInt(100) < percent;
    }

    /** A host changes, or somebody at the fleet's desk does something. */
    private void somethingHappens() {
        if (!faults) {
            return;
        }
        later(1 + random.nextInt(300), this::somethingHappens);
        Host host = hosts.get(random.nextInt(hosts.size()));
        switch (random.nextInt(15)) {
            case 0 -> host.upgradesKernel();
            case 1 -> host.canBuild = !host.canBuild;
            case 2 -> host.compiler = "gcc (Debian) 12." + random.nextInt(3) + ".0";
            case 3 -> host.forgetsEverything();
            case 4 -> host.sendsAgain();
            case 5 -> coordinator.clockIsOff = Duration.ofHours(random.nextInt(49) - 24);
            case 6 -> coordinator.crashes();
            case 7 -> {
                if (chance(10)) {
                    coordinator.publishes(policy());
                }
                coordinator.state.proposal().ifPresent(this::approves);
            }
            case 8 -> recallsSomething();
            case 9 -> operatorOrStore(new Observation.RetryRequested("ada", Optional.of(host.id), Optional.empty()));
            case 10 -> holdsOrReleases(host);
            case 11 -> {
                if (chance(20)) {
                    damagesSomething();
                }
            }
            case 12 -> operatorOrStore(new Observation.RiskAccepted("ada", host.id, "retired"));
            default -> {}
        }
        host.reports();
    }

    /** Somebody; perhaps one that does not count. */
    private void approves(FleetState.Proposal waiting) {
        String somebody = List.of("ada", "barbara", "grace").get(random.nextInt(3));
        operatorOrStore(
                new Observation.PolicyApproved(somebody, waiting.publication().position()));
    }

    private void recallsSomething() {
        if (chance(20) && !storedPackages.isEmpty()) {
            List<Digest> all = new ArrayList<>(storedPackages.keySet());
            Digest some = all.get(random.nextInt(all.size()));
            operatorOrStore(new Observation.PackageRecalled("ada", storedPackages.get(some), some, "crashes"));
        }
    }

    private void holdsOrReleases(Host host) {
        operatorOrStore(
                coordinator.state.held(host.id).isPresent()
                        ? new Observation.HostReleased("ada", host.id)
                        : new Observation.HostHeld("ada", host.id, "migrated"));
    }

    /** The store loses a package, and somebody sends the same bytes again, sooner or later or never. */
    private void damagesSomething() {
        if (storedPackages.isEmpty()) {
            return;
        }
        List<Digest> all = new ArrayList<>(storedPackages.keySet());
        Digest some = all.get(random.nextInt(all.size()));
        BuildTarget of = storedPackages.get(some);
        if (damaged.add(some)) {
            operatorOrStore(new Observation.PackageDamaged(some, of, "gone"));
            if (random.nextBoolean()) {
                later(60 + random.nextInt(7_200), () -> heals(some, of));
            }
        }
    }

    private void heals(Digest some, BuildTarget of) {
        if (damaged.remove(some)) {
            operatorOrStore(new Observation.PackageHealed(some, of));
        }
    }

    /** Whoever is held is released, and of two that contradict each other the later is recalled. */
    private void operatorDecides() {
        for (Host host : hosts) {
            if (coordinator.state.held(host.id).isPresent()) {
                operatorOrStore(new Observation.HostReleased("ada", host.id));
            }
        }
        for (Map.Entry<BuildTarget, TargetState> entry : coordinator.state.targets()) {
            entry.getValue()
                    .dissent()
                    .ifPresent(two -> operatorOrStore(
                            new Observation.PackageRecalled("ada", entry.getKey(), two.other(), "not trusted")));
        }
    }

    /** One in four of the policies wants others asked before the next one. */
    private Policy policy() {
        return chance(25) ? Fleet.wantingApprovals(anyPolicy(), 1 + random.nextInt(2)) : anyPolicy();
    }

    private Policy anyPolicy() {
        Policy policy = Fleet.policy(Proof.INSTALL);
        boolean waves = random.nextInt(3) == 0;
        return new Policy(
                policy.schema(),
                policy.platformRelease(),
                policy.kernels(),
                policy.architectures(),
                policy.systems(),
                policy.modules(),
                new Policy.Limits(
                        1 + random.nextInt(3),
                        Optional.of(1 + random.nextInt(3)),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(1 + random.nextInt(2))),
                List.of(),
                List.of(),
                waves ? Optional.of(new Policy.Rollout(List.of(20, 50), 30)) : Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private Envelope numbered(String source, long epoch, Observation observation) {
        long sequence = counted.merge(source + "/" + epoch, 1L, Long::sum);
        return new Envelope(source, epoch, sequence, clock, observation);
    }

    /** The store's outbox and the operator's API are in the ledger sooner or later, in order. */
    private void operatorOrStore(Observation observation) {
        coordinator.delivered(numbered(Envelope.speakerOf(observation), 1, observation));
    }

    private static BuildTarget target(String image) {
        return new BuildTarget(Fleet.SOURCE, "x86_64", Fleet.KERNEL, digest(image));
    }

    /** A host with its agent and the agent's journal. */
    private final class Host {
        private final String name;
        private final HostId id;
        private final Deque<Envelope> journal = new ArrayDeque<>();
        private final Set<DecisionId> handled = new HashSet<>();
        private final Map<String, Digest> installed = new HashMap<>();
        private Nature nature;
        private String image;
        private String compiler = "gcc (Debian) 12.2.0";
        private boolean canBuild;
        private long epoch = 1;

        Host(String name) {
            this.name = name;
            this.id = Fleet.host(name);
            this.image = "image " + random.nextInt(3);
            this.canBuild = random.nextInt(3) == 0;
            this.nature = Nature.values()[Math.max(0, random.nextInt(7) - 3)];
        }

        void upgradesKernel() {
            image = "image " + random.nextInt(4);
        }

        /** A reinstalled agent: what it was told and what it sent is gone, and so is its counting. */
        void forgetsEverything() {
            if (chance(30)) {
                journal.clear();
                handled.clear();
                epoch++;
            }
        }

        void reports() {
            List<Fleet.Host> is = new ArrayList<>();
            is.add(Fleet.Host.image(image));
            is.add(Fleet.Host.compiler(compiler));
            if (canBuild) {
                is.add(Fleet.Host.CAN_BUILD);
            }
            if (installed.containsKey(image)) {
                is.add(Fleet.Host.body(installed.get(image)));
            }
            observes(Fleet.reported(name, is.toArray(Fleet.Host[]::new)));
        }

        void observes(Observation observation) {
            Envelope envelope = numbered(id.value(), epoch, observation);
            journal.add(envelope);
            coordinator.travels(envelope);
        }

        void sendsAgain() {
            journal.forEach(coordinator::travels);
        }

        void takes(Command command) {
            command.match(new Command.Cases<Void>() {
                @Override
                public Void on(Command.BuildModule build) {
                    if (handled.add(build.decision().id())) {
                        later(30 + random.nextInt(600), () -> builds(build.decision()));
                    }
                    return null;
                }

                @Override
                public Void on(Command.InstallPackage install) {
                    if (handled.add(install.decision().id())) {
                        later(1 + random.nextInt(20), () -> installs(install.decision()));
                    }
                    return null;
                }

                @Override
                public Void on(Command.ActivateModule activate) {
                    return null;
                }

                @Override
                public Void on(Command.NoteDecision note) {
                    return null;
                }

                @Override
                public Void on(Command.Acknowledge acknowledge) {
                    journal.removeIf(
                            sent -> sent.epoch() == acknowledge.epoch() && sent.sequence() <= acknowledge.sequence());
                    return null;
                }
            });
        }

        private void builds(Decision.Build build) {
            boolean bad = chance(60);
            if (nature == Nature.HANGS && bad) {
                return;
            }
            if (nature == Nature.CRASHES && bad) {
                forgetsEverything();
                reports();
                return;
            }
            Digest made = digest("package of " + build.target().image() + (random.nextInt(3) == 0 ? name : ""));
            Observation success =
                    new Observation.BuildSucceeded(id, build.id(), build.target(), made, digest("log"), 4_000);
            if (nature == Nature.LIES && bad) {
                // Claims a build that was never uploaded, or one that nobody asked for.
                observes(
                        random.nextBoolean()
                                ? success
                                : new Observation.BuildSucceeded(
                                        id,
                                        new DecisionId(1 + random.nextInt(50), 0),
                                        build.target(),
                                        digest("nobody has this"),
                                        digest("log"),
                                        1));
                return;
            }
            if (chance(30)) {
                FailureClass kind = random.nextBoolean() ? FailureClass.BUILD : FailureClass.INFRASTRUCTURE;
                observes(new Observation.BuildFailed(
                        id, build.id(), build.target(), kind, Optional.of(10), "failed", Optional.empty()));
                return;
            }
            boolean storeFirst = random.nextBoolean();
            if (!storeFirst) {
                observes(success);
            }
            heals(made, build.target());
            if (storedPackages.put(made, build.target()) == null) {
                operatorOrStore(new Observation.PackageStored(
                        made, build.target(), "v4l2loopback", "0.12.7", List.of(bodyOf(made)), Optional.empty()));
            }
            if (storeFirst) {
                observes(success);
            }
        }

        private void installs(Decision.Reuse order) {
            boolean fits = order.target().equals(target(image))
                    && storedPackages.containsKey(order.packageDigest())
                    && !damaged.contains(order.packageDigest());
            if (!fits || chance(10)) {
                observes(new Observation.InstallFailed(
                        id, order.id(), order.target(), order.packageDigest(), "verify", "failed"));
            } else if (chance(5)) {
                observes(new Observation.LoadFailed(
                        id, order.id(), order.target(), order.packageDigest(), "Invalid argument"));
            } else {
                installed.put(image, bodyOf(order.packageDigest()));
                observes(new Observation.ModuleInstalled(
                        id, order.id(), order.target(), order.packageDigest(), Proof.INSTALL));
                reports();
            }
        }
    }

    private static Digest bodyOf(Digest made) {
        return digest("body of " + made);
    }

    /** The coordinator, its broker and its ticker, with everything that lies between poll and offset commit. */
    private final class Coordinator {
        private final List<LedgerEntry> ledger = new ArrayList<>();
        private final List<Envelope> topic = new ArrayList<>();
        private final Map<String, Instant> lastOf = new HashMap<>();
        private FleetState state = FleetState.empty();
        private int polled;
        private int committedOffset;
        private int dispatched;
        private Duration clockIsOff = Duration.ZERO;
        private long tickerEpoch = 1;
        private Optional<Deadline> armed = Optional.empty();
        private Instant strikesAt = Instant.MAX;

        void publishes(Policy policy) {
            operatorOrStore(new Observation.PolicyPublished("ada", policy));
        }

        /** Over a network that may lose it before the broker has it; then the agent sends it again. */
        void travels(Envelope envelope) {
            if (!chance(5)) {
                // One host's records keep their order, however long they take: they are in one partition.
                Instant soon = clock.plusSeconds(chance(10) ? 20 : 1);
                Instant before = lastOf.getOrDefault(envelope.source(), soon);
                Instant at = soon.isBefore(before) ? before : soon;
                lastOf.put(envelope.source(), at);
                events.add(new Event(at, order++, () -> delivered(envelope)));
                if (chance(10)) {
                    later(40, () -> delivered(envelope));
                }
            }
        }

        void delivered(Envelope envelope) {
            topic.add(envelope);
            later(0, this::polls);
        }

        private void polls() {
            int begin = ledger.size();
            int end = chance(20) ? Math.min(topic.size(), polled + 1) : topic.size();
            for (; polled < end; polled++) {
                Envelope envelope = topic.get(polled);
                if (state.holds(envelope) || state.missesOneBefore(envelope)) {
                    acknowledges(envelope.source());
                    continue;
                }
                Instant takenAt = clock.plus(clockIsOff);
                Step step = Step.take(state, envelope, takenAt);
                checks.entry(state, step);
                ledger.add(new LedgerEntry(step.after().position(), takenAt, envelope, step.decisions(), Step.RULES));
                state = step.after();
            }
            if (chance(3)) {
                crashes();
                return;
            }
            sends(begin);
            if (chance(3)) {
                crashes();
                return;
            }
            committedOffset = polled;
        }

        private void sends(int from) {
            for (LedgerEntry entry : List.copyOf(ledger.subList(from, ledger.size()))) {
                entry.decisions().forEach(decision -> commands(Command.carryingOut(decision)));
                acknowledges(entry.envelope().source());
            }
            dispatched = ledger.size();
        }

        private void acknowledges(String source) {
            hosts.stream().filter(host -> host.id.value().equals(source)).forEach(host -> state.lastOf(source)
                    .ifPresent(taken -> commands(new Command.Acknowledge(host.id, taken.epoch(), taken.sequence()))));
        }

        private void commands(Command command) {
            Host to = hosts.stream()
                    .filter(host -> host.id.equals(command.host()))
                    .findFirst()
                    .orElseThrow();
            later(chance(10) ? 60 : 1, () -> to.takes(command));
            if (chance(5)) {
                later(100, () -> to.takes(command));
            }
        }

        /** Killed: what is in memory is gone, what was not committed comes again, what was not certainly sent is sent again. */
        void crashes() {
            state = checks.folded(ledger, random.nextBoolean());
            polled = committedOffset;
            tickerEpoch++;
            armed = Optional.empty();
            sends(dispatched);
            later(1, this::polls);
        }

        /** Measures from when it first saw a deadline, whatever the wall clock says. */
        void ticks() {
            later(faults ? 30 : 300, this::ticks);
            Optional<Deadline> next = state.nextDeadline();
            if (!next.equals(armed)) {
                armed = next;
                strikesAt = next.map(deadline -> {
                            Duration left = Duration.between(clock.plus(clockIsOff), deadline.at());
                            Duration bounded = left.compareTo(deadline.after()) > 0 ? deadline.after() : left;
                            return clock.plus(bounded.isNegative() ? Duration.ZERO : bounded);
                        })
                        .orElse(Instant.MAX);
            }
            if (armed.isPresent() && !clock.isBefore(strikesAt)) {
                Observation observation = armed.orElseThrow().observation();
                armed = Optional.empty();
                delivered(numbered(Envelope.TICKER, tickerEpoch, observation));
            }
        }
    }

    /** What must hold; kept apart from the state, from the observations and decisions alone. */
    private final class Checks {
        private final Map<BuildTarget, Decision.Build> live = new HashMap<>();
        private final Map<BuildTarget, Set<Digest>> claimed = new HashMap<>();
        private final Set<Digest> stored = new HashSet<>();
        private final Set<Digest> recalled = new HashSet<>();
        private final Set<HostId> held = new HashSet<>();
        private final Map<HostId, String> imageOf = new HashMap<>();
        private final Map<HostId, Long> epochs = new HashMap<>();

        void entry(FleetState before, Step step) {
            assertThat(before.holds(step.envelope())).as("seed %d", seed).isFalse();
            assertThat(step.after().holds(step.envelope())).as("seed %d", seed).isTrue();
            learns(step.envelope(), step.after());
            for (Decision decision : step.decisions()) {
                if (decision instanceof Decision.Build || decision instanceof Decision.Reuse) {
                    assertThat(held)
                            .as("seed %d: something new for a host that is held, %s", seed, decision)
                            .doesNotContain(decision.subject().host());
                }
                if (decision instanceof Decision.Build build) {
                    Decision.Build running = live.put(build.target(), build);
                    assertThat(running)
                            .as("seed %d: a second build, %s", seed, build)
                            .isNull();
                }
                if (decision instanceof Decision.Reuse reuse) {
                    assertThat(reuse.target().image().hex())
                            .as("seed %d: a package of another image, %s", seed, reuse)
                            .isEqualTo(imageOf.get(reuse.subject().host()));
                    assertThat(recalled)
                            .as("seed %d: a recalled package, %s", seed, reuse)
                            .doesNotContain(reuse.packageDigest());
                    assertThat(stored)
                            .as("seed %d: a package that is not there, %s", seed, reuse)
                            .contains(reuse.packageDigest());
                    assertThat(step.after().target(reuse.target()).dissent())
                            .as("seed %d: a package that is disputed, %s", seed, reuse)
                            .isEmpty();
                }
            }
        }

        private void learns(Envelope envelope, FleetState after) {
            Observation observation = envelope.observation();
            if (observation instanceof Observation.HostReported event) {
                String image = event.report()
                        .kernels()
                        .get(0)
                        .identity()
                        .image()
                        .orElseThrow()
                        .hex();
                boolean forgot = !Long.valueOf(envelope.epoch()).equals(epochs.put(event.host(), envelope.epoch()));
                boolean exchanged = !image.equals(imageOf.put(event.host(), image));
                if (forgot || exchanged) {
                    live.values().removeIf(build -> build.subject().host().equals(event.host()));
                }
            } else if (observation instanceof Observation.BuildSucceeded event) {
                Decision.Build running = live.get(event.target());
                boolean ordered = running != null && running.id().equals(event.build());
                claimed.computeIfAbsent(event.target(), any -> new HashSet<>()).add(event.packageDigest());
                if (ordered && stored.contains(event.packageDigest())) {
                    live.remove(event.target());
                }
            } else if (observation instanceof Observation.BuildFailed event) {
                live.values()
                        .removeIf(build -> build.id().equals(event.build())
                                && build.subject().host().equals(event.host()));
            } else if (observation instanceof Observation.PackageStored event) {
                stored.add(event.packageDigest());
            } else if (observation instanceof Observation.PackageDamaged event) {
                stored.remove(event.packageDigest());
            } else if (observation instanceof Observation.PackageHealed event) {
                stored.add(event.packageDigest());
            } else if (observation instanceof Observation.HostHeld event) {
                held.add(event.host());
            } else if (observation instanceof Observation.HostReleased event) {
                held.remove(event.host());
            } else if (observation instanceof Observation.BuildOverdue event) {
                live.values().removeIf(build -> build.id().equals(event.build()));
            }
            live.keySet().removeIf(target -> claimed.getOrDefault(target, Set.of()).stream()
                    .anyMatch(stored::contains));
            // The number of load failures that recalls is the policy's: what the state says is taken for it here.
            if (observation instanceof Observation.PackageRecalled event) {
                after.target(event.target()).recalled().forEach(known -> recalled.add(known.digest()));
            }
            if (observation instanceof Observation.LoadFailed event) {
                after.target(event.target()).recalled().forEach(known -> recalled.add(known.digest()));
            }
        }

        private FleetState folded = FleetState.empty();

        /** Recovery: from what was recovered last, over a snapshot or not. */
        FleetState folded(List<LedgerEntry> ledger, boolean overSnapshot) {
            FleetState from = overSnapshot ? putTogether(folded) : folded;
            folded = settled(from, ledger.subList((int) from.position(), ledger.size()));
            return folded;
        }

        private FleetState settled(FleetState from, List<LedgerEntry> entries) {
            FleetState state = from;
            for (LedgerEntry entry : entries) {
                state = Step.settle(state, entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules());
            }
            return state;
        }

        private static FleetState putTogether(FleetState state) {
            return FleetState.of(state.position(), state.now(), state.parts().iterator());
        }

        void recoveredIsUncut() {
            int cut = random.nextInt(coordinator.ledger.size());
            FleetState half = putTogether(settled(FleetState.empty(), coordinator.ledger.subList(0, cut)));
            FleetState whole = settled(half, coordinator.ledger.subList(cut, coordinator.ledger.size()));
            assertThat(whole.parts().toList())
                    .as("seed %d", seed)
                    .isEqualTo(coordinator.state.parts().toList());
        }

        void replayIsLive() {
            FleetState replayed = FleetState.empty();
            for (LedgerEntry entry : coordinator.ledger) {
                Step again = Step.take(replayed, entry.envelope(), entry.takenAt());
                assertThat(again.decisions())
                        .as("seed %d, position %d", seed, entry.position())
                        .isEqualTo(entry.decisions());
                replayed = again.after();
            }
        }

        void everybodyHasAnAnswer() {
            for (Host host : hosts) {
                Decision standing = coordinator
                        .state
                        .standing(new Subject(host.id, Fleet.KERNEL, "v4l2loopback"))
                        .orElseThrow()
                        .decision();
                assertThat(FINAL)
                        .as("seed %d: %s has %s", seed, host.name, standing)
                        .contains(standing.reason());
                assertThat(host.journal)
                        .as("seed %d: %s waits for acknowledgement", seed, host.name)
                        .isEmpty();
            }
        }
    }
}
