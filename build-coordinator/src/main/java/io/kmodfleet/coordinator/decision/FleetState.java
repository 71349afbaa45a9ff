package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation.SourceStored;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Everything the coordinator knows, after a number of ledger entries. A value: it changes only by {@link Step}.
 *
 * <p>What others read of it are the queries below; how it is made up is this package's own.
 */
public final class FleetState {

    static final FleetState EMPTY = new FleetState(
            0,
            Instant.EPOCH,
            Optional.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty(),
            PersistentMap.empty());

    private final long position;
    private final Instant now;
    private final Optional<Policy> policy;
    private final PersistentMap<String, Counting> countings;
    private final PersistentMap<HostId, HostState> hosts;
    private final PersistentMap<KernelImage, PersistentMap<HostId, HostId>> hostsByImage;
    private final PersistentMap<BuildTarget, TargetState> targets;
    private final PersistentMap<Digest, SourceStored> sources;

    private FleetState(
            long position,
            Instant now,
            Optional<Policy> policy,
            PersistentMap<String, Counting> countings,
            PersistentMap<HostId, HostState> hosts,
            PersistentMap<KernelImage, PersistentMap<HostId, HostId>> hostsByImage,
            PersistentMap<BuildTarget, TargetState> targets,
            PersistentMap<Digest, SourceStored> sources) {
        this.position = position;
        this.now = now;
        this.policy = policy;
        this.countings = countings;
        this.hosts = hosts;
        this.hostsByImage = hostsByImage;
        this.targets = targets;
        this.sources = sources;
    }

    /** What is known before the first entry. */
    public static FleetState empty() {
        return EMPTY;
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
        return policy;
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

    PersistentMap<HostId, HostState> hosts() {
        return hosts;
    }

    PersistentMap<BuildTarget, TargetState> targets() {
        return targets;
    }

    TargetState target(BuildTarget target) {
        return targets.get(target).orElse(TargetState.UNKNOWN);
    }

    boolean hasSource(Digest source) {
        return sources.get(source).isPresent();
    }

    List<HostId> hostsWith(KernelImage image) {
        List<HostId> all = new ArrayList<>();
        hostsByImage.get(image).orElse(PersistentMap.empty()).forEach(entry -> all.add(entry.getKey()));
        return all;
    }

    Optional<Standing> standing(Subject subject) {
        return hosts.get(subject.host()).flatMap(host -> host.standing().get(subject));
    }

    /** The target that a subject is about now; none without a policy for the module or without a readable image. */
    Optional<BuildTarget> targetOf(Subject subject) {
        Optional<Digest> source =
                policy.flatMap(known -> known.module(subject.module())).map(WantedModule::source);
        Optional<KernelImage> image = hosts.get(subject.host())
                .flatMap(host -> host.report().kernel(subject.release()))
                .map(KernelState::identity)
                .flatMap(KernelImage::of);
        return source.isPresent() ? image.map(known -> known.with(source.get())) : Optional.empty();
    }

    /** Builds that a host has under way. */
    long buildsOf(HostId builder) {
        long builds = 0;
        for (Map.Entry<BuildTarget, TargetState> entry : targets) {
            boolean here = entry.getValue()
                    .running()
                    .map(running -> running.builder().equals(builder))
                    .orElse(false);
            builds += here ? 1 : 0;
        }
        return builds;
    }

    FleetState atNextPosition(Instant takenAt) {
        return new FleetState(position + 1, takenAt, policy, countings, hosts, hostsByImage, targets, sources);
    }

    FleetState counting(Envelope envelope) {
        Counting next = countings
                .get(envelope.source())
                .map(counting -> counting.next(envelope))
                .orElseGet(() -> Counting.startedBy(envelope));
        return new FleetState(
                position, now, policy, countings.with(envelope.source(), next), hosts, hostsByImage, targets, sources);
    }

    FleetState with(Policy next) {
        return new FleetState(position, now, Optional.of(next), countings, hosts, hostsByImage, targets, sources);
    }

    FleetState with(SourceStored stored) {
        return new FleetState(
                position, now, policy, countings, hosts, hostsByImage, targets, sources.with(stored.source(), stored));
    }

    FleetState with(HostId id, HostState host) {
        return new FleetState(position, now, policy, countings, hosts.with(id, host), hostsByImage, targets, sources);
    }

    FleetState change(BuildTarget target, UnaryOperator<TargetState> change) {
        return new FleetState(
                position,
                now,
                policy,
                countings,
                hosts,
                hostsByImage,
                targets.change(target, TargetState.UNKNOWN, change),
                sources);
    }

    FleetState placing(HostId host, KernelImage image) {
        PersistentMap<KernelImage, PersistentMap<HostId, HostId>> next =
                hostsByImage.change(image, PersistentMap.empty(), there -> there.with(host, host));
        return new FleetState(position, now, policy, countings, hosts, next, targets, sources);
    }

    FleetState removing(HostId host, KernelImage image) {
        PersistentMap<HostId, HostId> rest =
                hostsByImage.get(image).orElse(PersistentMap.empty()).without(host);
        PersistentMap<KernelImage, PersistentMap<HostId, HostId>> next =
                rest.isEmpty() ? hostsByImage.without(image) : hostsByImage.with(image, rest);
        return new FleetState(position, now, policy, countings, hosts, next, targets, sources);
    }
}
