package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation.SourceStored;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Everything the coordinator knows, after a number of ledger entries. A value: it changes only by {@link Step}.
 *
 * <p>What others read of it are the queries below; how it is made up is this package's own. Some of what it holds follows from
 * the rest and is kept only so that nothing has to be searched for: hosts by image, builds by builder, deadlines, the queue.
 */
public final class FleetState {

    static final FleetState EMPTY = new FleetState();

    // Written only while a copy is being made, never afterwards.
    private long position;
    private Instant now;
    private Optional<Publication> inForce;
    private Optional<Proposal> proposal;
    private PersistentMap<String, Counting> countings;
    private PersistentMap<HostId, HostState> hosts;
    private PersistentMap<BuildTarget, TargetState> targets;
    private PersistentMap<Digest, SourceStored> sources;
    private PersistentMap<KernelImage, KernelInterface> exports;
    private PersistentMap<HostId, Held> held;
    private PersistentMap<HostId, Accepted> accepted;

    private PersistentMap<KernelImage, Placement> placements;
    private PersistentMap<HostId, PersistentMap<BuildTarget, BuildTarget>> builds;
    private int running;
    private PersistentMap<Due, Deadline> deadlines;
    private PersistentMap<DecisionId, BuildTarget> queue;
    private PersistentMap<Digest, PersistentMap<BuildTarget, BuildTarget>> shareable;

    private FleetState() {
        position = 0;
        now = Instant.EPOCH;
        inForce = Optional.empty();
        proposal = Optional.empty();
        countings = PersistentMap.empty();
        hosts = PersistentMap.empty();
        targets = PersistentMap.empty();
        sources = PersistentMap.empty();
        exports = PersistentMap.empty();
        held = PersistentMap.empty();
        accepted = PersistentMap.empty();
        placements = PersistentMap.empty();
        builds = PersistentMap.empty();
        running = 0;
        deadlines = PersistentMap.empty();
        queue = PersistentMap.empty();
        shareable = PersistentMap.empty();
    }

    private FleetState(FleetState other) {
        position = other.position;
        now = other.now;
        inForce = other.inForce;
        proposal = other.proposal;
        countings = other.countings;
        hosts = other.hosts;
        targets = other.targets;
        sources = other.sources;
        exports = other.exports;
        held = other.held;
        accepted = other.accepted;
        placements = other.placements;
        builds = other.builds;
        running = other.running;
        deadlines = other.deadlines;
        queue = other.queue;
        shareable = other.shareable;
    }

    /** What is known before the first entry. */
    public static FleetState empty() {
        return EMPTY;
    }

    /**
     * The state that these pieces make up.
     *
     * @param position of the last entry it knows
     * @param now when that was taken
     * @param parts of {@link #parts}, in that order
     */
    public static FleetState of(long position, Instant now, Iterator<StatePart> parts) {
        FleetState state = EMPTY.at(position, now);
        while (parts.hasNext()) {
            state = state.with(parts.next());
        }
        return state;
    }

    /** Everything it is made of, one host, target or source after the other; made while they are read. */
    public Stream<StatePart> parts() {
        return Stream.of(
                        inForce.<StatePart>map(StatePart.Published::new).stream(),
                        proposal.<StatePart>map(StatePart.Proposed::new).stream(),
                        stream(sources).map(entry -> new StatePart.Source(entry.getValue())),
                        stream(exports)
                                .map(entry -> new StatePart.Exports(
                                        entry.getKey().arch(),
                                        entry.getKey().release(),
                                        entry.getKey().digest(),
                                        entry.getValue())),
                        stream(countings)
                                .map(entry -> new StatePart.Counted(
                                        entry.getKey(),
                                        entry.getValue().epoch(),
                                        entry.getValue().sequence(),
                                        entry.getValue().retired())),
                        stream(hosts).map(entry -> StatePart.of(entry.getKey(), entry.getValue())),
                        stream(targets).map(entry -> StatePart.of(entry.getKey(), entry.getValue())),
                        stream(held)
                                .map(entry -> new StatePart.Hold(
                                        entry.getKey(),
                                        entry.getValue().author(),
                                        entry.getValue().why(),
                                        entry.getValue().since())),
                        stream(accepted).map(entry -> new StatePart.Acceptance(entry.getKey(), entry.getValue())))
                .flatMap(Function.identity());
    }

    private static <K extends Comparable<? super K>, V> Stream<Map.Entry<K, V>> stream(PersistentMap<K, V> map) {
        return StreamSupport.stream(map.spliterator(), false);
    }

    private FleetState with(StatePart part) {
        if (part instanceof StatePart.Published published) {
            return inForce(published.publication());
        }
        if (part instanceof StatePart.Proposed proposed) {
            return waiting(proposed.proposal());
        }
        if (part instanceof StatePart.Source source) {
            return with(source.stored());
        }
        if (part instanceof StatePart.Exports offered) {
            return with(new KernelImage(offered.arch(), offered.release(), offered.image()), offered.exports());
        }
        if (part instanceof StatePart.Counted counted) {
            return with(counted.source(), new Counting(counted.epoch(), counted.sequence(), counted.retired()));
        }
        if (part instanceof StatePart.Host host) {
            HostState known = StatePart.read(host);
            FleetState state = with(host.id(), known);
            for (KernelState kernel : host.report().kernels()) {
                Optional<KernelImage> image = KernelImage.of(kernel.identity());
                state = image.isPresent() ? state.placing(host.id(), image.get(), known, kernel) : state;
            }
            return state;
        }
        if (part instanceof StatePart.Hold hold) {
            return with(hold.host(), Optional.of(new Held(hold.author(), hold.why(), hold.since())));
        }
        if (part instanceof StatePart.Acceptance acceptance) {
            return accepting(acceptance.host(), acceptance.accepted());
        }
        StatePart.Target target = (StatePart.Target) part;
        return change(target.target(), unknown -> StatePart.read(target));
    }

    /** The number of ledger entries taken; the next one has the position after it. */
    public long position() {
        return position;
    }

    /** When the last entry was taken. */
    public Instant now() {
        return now;
    }

    public Optional<Policy> policy() {
        return inForce.map(Publication::policy);
    }

    /** A policy as somebody published it. @param position at which it stands in the ledger */
    public record Publication(long position, String author, Policy policy) {}

    /**
     * A policy that waits for people to approve it.
     *
     * @param approvers who did, in order
     */
    public record Proposal(Publication publication, List<String> approvers) {

        /** Whether somebody counts: whoever wrote it does not, and nobody counts twice. */
        public boolean mayApprove(String person) {
            return !isSame(person, publication.author())
                    && approvers.stream().noneMatch(known -> isSame(person, known));
        }

        private static boolean isSame(String one, String other) {
            return one.strip().equalsIgnoreCase(other.strip());
        }

        Proposal approvedBy(String person) {
            List<String> all = new ArrayList<>(approvers);
            all.add(person);
            return new Proposal(publication, List.copyOf(all));
        }
    }

    public Optional<Publication> inForce() {
        return inForce;
    }

    /** The last policy that was published and not yet approved by as many as the one in force wants. */
    public Optional<Proposal> proposal() {
        return proposal;
    }

    /** Every host that ever reported, in the order of the ids. */
    public List<HostId> hostIds() {
        List<HostId> all = new ArrayList<>(hosts.size());
        hosts.forEach(entry -> all.add(entry.getKey()));
        return all;
    }

    public int hostCount() {
        return hosts.size();
    }

    /** What a host last reported. */
    public Optional<HostReport> report(HostId host) {
        return hosts.get(host).map(HostState::report);
    }

    /** The decisions in force on a host, by kernel and module. */
    public List<Decision> standing(HostId host) {
        List<Decision> standing = new ArrayList<>();
        hosts.get(host).ifPresent(known -> known.standing()
                .forEach(entry -> standing.add(entry.getValue().decision())));
        return standing;
    }

    /** That somebody wants a host to be left as it is. */
    public record Held(String author, String why, Instant since) {}

    /** Who holds a host and why; empty where nobody does. */
    public Optional<Held> held(HostId host) {
        return held.get(host);
    }

    /**
     * That somebody lives with what a host was told.
     *
     * @param answers that were in force then; any other one is not accepted
     */
    public record Accepted(String author, String why, Instant since, List<DecisionId> answers) {}

    /** Who lives with an answer that is in force, and why; empty where nobody said so. */
    public Optional<Accepted> accepted(Decision answer) {
        return accepted.get(answer.subject().host())
                .filter(known -> known.answers().contains(answer.id()));
    }

    /** What comes next where nothing else happens before; none where nothing is waited for. */
    public Optional<Deadline> nextDeadline() {
        return deadlines.first().map(Map.Entry::getValue);
    }

    /** Everything that is waited for, the next first. */
    public List<Deadline> deadlines() {
        List<Deadline> all = new ArrayList<>(deadlines.size());
        deadlines.forEach(entry -> all.add(entry.getValue()));
        return all;
    }

    /** Builds under way in the whole fleet. */
    public int buildsUnderWay() {
        return running;
    }

    /** Hosts on which a module of that package lies, for a kernel that runs or may be booted. */
    public List<HostId> hostsWithPackage(BuildTarget target, Digest digest) {
        List<Digest> bodies =
                target(target).find(digest).map(PackageState::bodies).orElse(List.of());
        List<HostId> with = new ArrayList<>();
        for (Map.Entry<HostId, HostState> entry : hosts) {
            boolean has = entry.getValue().report().kernels().stream()
                    .flatMap(kernel -> kernel.modules().stream())
                    .anyMatch(module -> bodies.contains(module.body()));
            if (has) {
                with.add(entry.getKey());
            }
        }
        return with;
    }

    /** Packages whose digest begins with these hexadecimal digits, each with the target that it was built for. */
    public Map<Digest, BuildTarget> packagesBeginning(String digits) {
        Map<Digest, BuildTarget> found = new TreeMap<>();
        for (Map.Entry<BuildTarget, TargetState> entry : targets) {
            for (PackageState known : entry.getValue().packages()) {
                if (known.digest().hex().startsWith(digits)) {
                    found.put(known.digest(), entry.getKey());
                }
            }
        }
        return found;
    }

    /** Whether a host runs a kernel for which it has a module of that package. */
    public boolean runs(HostId host, BuildTarget target, Digest digest) {
        List<Digest> bodies =
                target(target).find(digest).map(PackageState::bodies).orElse(List.of());
        return report(host).stream()
                .flatMap(report -> report.kernels().stream())
                .filter(KernelState::running)
                .flatMap(kernel -> kernel.modules().stream())
                .anyMatch(module -> bodies.contains(module.body()));
    }

    /** The packages of a target that were built on order and found right, the one that hosts get first. */
    public List<Digest> opinions(BuildTarget target) {
        return target(target).packages().stream()
                .filter(PackageState::isOffered)
                .sorted(Comparator.comparing(known -> known.offeredAt().orElseThrow()))
                .map(PackageState::digest)
                .toList();
    }

    /** Whether the ledger holds this observation already: then it is acknowledged, and nothing else happens. */
    public boolean holds(Envelope envelope) {
        return countings
                .get(envelope.source())
                .map(counting -> counting.isRepeat(envelope))
                .orElse(false);
    }

    /** Whether an observation that was sent before this one has not arrived: then its source must send again. */
    public boolean missesOneBefore(Envelope envelope) {
        return countings
                .get(envelope.source())
                .map(counting -> counting.leavesGapTo(envelope))
                .orElse(false);
    }

    /** The number of the last observation of a source that the ledger holds. */
    public Optional<Taken> lastOf(String source) {
        return countings.get(source).map(counting -> new Taken(counting.epoch(), counting.sequence()));
    }

    /** How far a source was taken. */
    public record Taken(long epoch, long sequence) {}

    boolean startsAnew(Envelope envelope) {
        return countings
                .get(envelope.source())
                .map(counting -> counting.startsAnewWith(envelope))
                .orElse(false);
    }

    PersistentMap<String, Counting> countings() {
        return countings;
    }

    PersistentMap<HostId, HostState> hosts() {
        return hosts;
    }

    PersistentMap<BuildTarget, TargetState> targets() {
        return targets;
    }

    PersistentMap<Digest, SourceStored> sources() {
        return sources;
    }

    PersistentMap<KernelImage, KernelInterface> exports() {
        return exports;
    }

    /**
     * Whether whoever is given this package is to try it out with its self-test. Once one host has shown that proof, nobody is; and
     * before, the decisions give it to its canary only.
     */
    public boolean lacksSelfTest(Decision.Reuse order) {
        return order.proof() == Proof.SELF_TEST
                && target(order.target())
                        .find(order.packageDigest())
                        .map(offered -> !offered.isProven(Proof.SELF_TEST))
                        .orElse(false);
    }

    TargetState target(BuildTarget target) {
        return targets.get(target).orElse(TargetState.UNKNOWN);
    }

    boolean hasSource(Digest source) {
        return sources.get(source).isPresent();
    }

    Placement placement(KernelImage image) {
        return placements.get(image).orElse(Placement.NOBODY);
    }

    PersistentMap<KernelImage, Placement> placements() {
        return placements;
    }

    List<HostId> hostsWith(KernelImage image) {
        List<HostId> all = new ArrayList<>();
        placement(image).hosts().forEach(entry -> all.add(entry.getKey()));
        return all;
    }

    Optional<Standing> standing(Subject subject) {
        return hosts.get(subject.host()).flatMap(host -> host.standing().get(subject));
    }

    /** The target that a subject is about now; none without a policy for the module or without a readable image. */
    Optional<BuildTarget> targetOf(Subject subject) {
        Optional<HostState> host = hosts.get(subject.host());
        if (host.isEmpty() || inForce.isEmpty()) {
            return Optional.empty();
        }
        HostReport report = host.get().report();
        Optional<WantedModule> wanted = inForce.get().policy().module(report, subject.module());
        Optional<KernelImage> image =
                report.kernel(subject.release()).map(KernelState::identity).flatMap(KernelImage::of);
        return wanted.isPresent() ? image.map(known -> known.with(wanted.get().source())) : Optional.empty();
    }

    /** Builds that a host has under way. */
    long buildsOf(HostId builder) {
        return buildsBy(builder).size();
    }

    PersistentMap<BuildTarget, BuildTarget> buildsBy(HostId builder) {
        return builds.get(builder).orElse(PersistentMap.empty());
    }

    /** Targets whose build was put off because the fleet builds as much as it may, the first to ask first. */
    PersistentMap<DecisionId, BuildTarget> queue() {
        return queue;
    }

    /** Targets of a source with a package that says what it needs of a kernel. */
    PersistentMap<BuildTarget, BuildTarget> shareable(Digest source) {
        return shareable.get(source).orElse(PersistentMap.empty());
    }

    FleetState atNextPosition(Instant takenAt) {
        return at(position + 1, takenAt);
    }

    FleetState at(long nextPosition, Instant takenAt) {
        FleetState next = new FleetState(this);
        next.position = nextPosition;
        next.now = takenAt;
        return next;
    }

    FleetState counting(Envelope envelope) {
        Counting counting = countings
                .get(envelope.source())
                .map(before -> before.next(envelope))
                .orElseGet(() -> Counting.startedBy(envelope));
        return with(envelope.source(), counting);
    }

    FleetState with(String source, Counting counting) {
        FleetState next = new FleetState(this);
        next.countings = countings.with(source, counting);
        return next;
    }

    /** Whatever waited is overtaken. */
    FleetState inForce(Publication published) {
        FleetState next = new FleetState(this);
        next.inForce = Optional.of(published);
        next.proposal = Optional.empty();
        return next;
    }

    FleetState waiting(Proposal proposed) {
        FleetState next = new FleetState(this);
        next.proposal = Optional.of(proposed);
        return next;
    }

    FleetState with(SourceStored stored) {
        FleetState next = new FleetState(this);
        next.sources = sources.with(stored.source(), stored);
        return next;
    }

    FleetState with(KernelImage image, KernelInterface offered) {
        FleetState next = new FleetState(this);
        next.exports = exports.with(image, offered);
        return next;
    }

    FleetState with(HostId id, HostState host) {
        FleetState next = new FleetState(this);
        next.hosts = hosts.with(id, host);
        return next;
    }

    FleetState with(HostId host, Optional<Held> hold) {
        FleetState next = new FleetState(this);
        next.held = hold.map(now -> held.with(host, now)).orElseGet(() -> held.without(host));
        return next;
    }

    FleetState accepting(HostId host, Accepted answers) {
        FleetState next = new FleetState(this);
        next.accepted = accepted.with(host, answers);
        return next;
    }

    FleetState change(BuildTarget target, UnaryOperator<TargetState> change) {
        TargetState before = target(target);
        TargetState after = change.apply(before);
        if (after == before) {
            return this;
        }
        FleetState next = new FleetState(this);
        next.targets = targets.with(target, after);
        next.derive(target, before, after);
        return next;
    }

    /** Keeps what follows from a target in step with it. */
    private void derive(BuildTarget target, TargetState before, TargetState after) {
        if (!before.running().equals(after.running())) {
            before.running().ifPresent(ended -> {
                PersistentMap<BuildTarget, BuildTarget> rest =
                        buildsBy(ended.builder()).without(target);
                builds = rest.isEmpty() ? builds.without(ended.builder()) : builds.with(ended.builder(), rest);
                running--;
            });
            after.running().ifPresent(begun -> {
                builds = builds.with(begun.builder(), buildsBy(begun.builder()).with(target, target));
                running++;
            });
        }
        List<Deadline> old = before.deadlines(target);
        List<Deadline> now = after.deadlines(target);
        if (!old.equals(now)) {
            for (Deadline deadline : old) {
                deadlines = deadlines.without(Due.of(deadline, target));
            }
            for (Deadline deadline : now) {
                deadlines = deadlines.with(Due.of(deadline, target), deadline);
            }
        }
        if (!before.queued().equals(after.queued())) {
            before.queued().ifPresent(place -> queue = queue.without(place));
            after.queued().ifPresent(place -> queue = queue.with(place, target));
        }
        if (before.isShareable() != after.isShareable()) {
            shareable =
                    shareable.with(target.source(), shareable(target.source()).with(target, target));
        }
    }

    FleetState placing(HostId host, KernelImage image, HostState known, KernelState kernel) {
        boolean canBuild = known.canBuildFor(kernel);
        boolean readsMap = kernel.symbolMap() == SymbolMap.USABLE;
        Placement before = placement(image);
        Placement after = before.with(host, canBuild, readsMap);
        if (after == before) {
            return this;
        }
        FleetState next = new FleetState(this);
        next.placements = placements.with(image, after);
        return next;
    }

    FleetState removing(HostId host, KernelImage image) {
        Placement rest = placement(image).without(host);
        FleetState next = new FleetState(this);
        next.placements = rest.hosts().isEmpty() ? placements.without(image) : placements.with(image, rest);
        return next;
    }

    /**
     * Who has an image.
     *
     * @param builders those of them who have everything that a build for it needs
     * @param maps those of them who can read its symbol map
     */
    record Placement(
            PersistentMap<HostId, HostId> hosts,
            PersistentMap<HostId, HostId> builders,
            PersistentMap<HostId, HostId> maps) {

        static final Placement NOBODY =
                new Placement(PersistentMap.empty(), PersistentMap.empty(), PersistentMap.empty());

        Placement with(HostId host, boolean canBuild, boolean readsMap) {
            boolean stays = hosts.get(host).isPresent()
                    && builders.get(host).isPresent() == canBuild
                    && maps.get(host).isPresent() == readsMap;
            return stays
                    ? this
                    : new Placement(
                            hosts.with(host, host),
                            canBuild ? builders.with(host, host) : builders.without(host),
                            readsMap ? maps.with(host, host) : maps.without(host));
        }

        Placement without(HostId host) {
            return new Placement(hosts.without(host), builders.without(host), maps.without(host));
        }
    }

    /** Where a deadline stands among all of them. */
    private record Due(Instant at, BuildTarget target, String kind) implements Comparable<Due> {

        static Due of(Deadline deadline, BuildTarget target) {
            return new Due(deadline.at(), target, deadline.kind());
        }

        @Override
        public int compareTo(Due other) {
            int order = at.compareTo(other.at);
            order = order != 0 ? order : target.compareTo(other.target);
            return order != 0 ? order : kind.compareTo(other.kind);
        }
    }
}
