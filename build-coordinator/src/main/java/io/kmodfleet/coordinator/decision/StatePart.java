package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Observation.SourceStored;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import io.kmodfleet.coordinator.decision.TargetState.Askers;
import io.kmodfleet.coordinator.decision.TargetState.Failure;
import io.kmodfleet.coordinator.decision.TargetState.Pause;
import io.kmodfleet.coordinator.decision.TargetState.PutOff;
import io.kmodfleet.coordinator.decision.TargetState.Running;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A piece of the state, as it can be written down: all pieces together are the state, none is more than one host, target or
 * source big. What follows from the rest is not among them.
 */
public sealed interface StatePart {

    /** Version of these forms: a snapshot of another version is not read, the ledger is. */
    int FORM = 3;

    record Published(FleetState.Publication publication) implements StatePart {}

    record Proposed(FleetState.Proposal proposal) implements StatePart {}

    record Source(SourceStored stored) implements StatePart {}

    record Exports(String arch, String release, Digest image, KernelInterface exports) implements StatePart {}

    record Counted(String source, long epoch, long sequence, List<Long> retired) implements StatePart {}

    record Host(HostId id, HostReport report, List<Told> standing) implements StatePart {}

    record Hold(HostId host, String author, String why, Instant since) implements StatePart {}

    record Acceptance(HostId host, FleetState.Accepted accepted) implements StatePart {}

    record Told(Decision decision, Optional<BuildTarget> asksFor) {}

    record Target(
            BuildTarget target,
            Optional<Build> running,
            List<Build> overtaken,
            List<Failed> failures,
            Optional<Instant> pausedAt,
            Optional<Duration> pause,
            Optional<String> notApplicable,
            Optional<Waiting> putOff,
            List<Package> packages,
            List<Asker> askers)
            implements StatePart {}

    record Build(DecisionId build, HostId builder, Instant since, Duration limit) {}

    record Failed(HostId builder, String error, FailureClass kind, String toolchain, boolean ordered) {}

    record Waiting(DecisionId place, Instant since, Optional<Instant> until) {}

    record Asker(DecisionId asked, Subject subject) {}

    record Package(
            Digest digest,
            Optional<HostId> builder,
            String toolchain,
            List<Digest> bodies,
            Optional<KernelInterface> needs,
            Optional<Long> offeredAt,
            Optional<Proof> proof,
            Optional<HostId> canary,
            boolean abandoned,
            List<HostId> failedOn,
            List<HostId> notLoadedOn,
            Optional<String> recalled,
            boolean damaged,
            List<HostId> told,
            List<HostId> served,
            Optional<Silent> awaited) {}

    record Silent(List<HostId> hosts, Instant since, Duration length) {}

    static Host of(HostId id, HostState host) {
        List<Told> standing = new ArrayList<>(host.standing().size());
        for (Map.Entry<Subject, Standing> entry : host.standing()) {
            standing.add(new Told(entry.getValue().decision(), entry.getValue().asksFor()));
        }
        return new Host(id, host.report(), standing);
    }

    static HostState read(Host part) {
        PersistentMap<Subject, Standing> standing = PersistentMap.empty();
        for (Told told : part.standing()) {
            standing = standing.with(told.decision().subject(), new Standing(told.decision(), told.asksFor()));
        }
        return new HostState(part.report(), standing);
    }

    static Target of(BuildTarget target, TargetState state) {
        List<Asker> askers = new ArrayList<>();
        for (Map.Entry<DecisionId, Subject> entry : state.askers().inOrder()) {
            askers.add(new Asker(entry.getKey(), entry.getValue()));
        }
        return new Target(
                target,
                state.running().map(StatePart::of),
                state.overtaken().stream().map(StatePart::of).toList(),
                state.failures().stream()
                        .map(f -> new Failed(f.builder(), f.error(), f.kind(), f.toolchain(), f.ordered()))
                        .toList(),
                state.pause().map(Pause::since),
                state.pause().map(Pause::length),
                state.notApplicable(),
                state.putOff().map(waiting -> new Waiting(waiting.place(), waiting.since(), waiting.until())),
                state.packages().stream().map(StatePart::of).toList(),
                askers);
    }

    static TargetState read(Target part) {
        Askers askers = Askers.NOBODY;
        for (Asker asker : part.askers()) {
            askers = askers.with(asker.subject(), asker.asked());
        }
        return new TargetState(
                part.running().map(StatePart::read),
                part.overtaken().stream().map(StatePart::read).toList(),
                part.failures().stream()
                        .map(f -> new Failure(f.builder(), f.error(), f.kind(), f.toolchain(), f.ordered()))
                        .toList(),
                part.pausedAt().map(since -> new Pause(since, part.pause().orElseThrow())),
                part.notApplicable(),
                part.putOff().map(waiting -> new PutOff(waiting.place(), waiting.since(), waiting.until())),
                part.packages().stream().map(StatePart::read).toList(),
                askers);
    }

    private static Build of(Running running) {
        return new Build(running.build(), running.builder(), running.since(), running.limit());
    }

    private static Running read(Build build) {
        return new Running(build.build(), build.builder(), build.since(), build.limit());
    }

    private static Package of(PackageState known) {
        return new Package(
                known.digest(),
                known.builder(),
                known.toolchain(),
                known.bodies(),
                known.needs(),
                known.offeredAt(),
                known.proof(),
                known.canary(),
                known.abandoned(),
                known.failedOn(),
                known.notLoadedOn(),
                known.recalled(),
                known.damaged(),
                known.told().keys(),
                known.served().keys(),
                known.awaited().map(who -> new Silent(who.hosts().keys(), who.since(), who.length())));
    }

    private static PackageState read(Package part) {
        return new PackageState(
                part.digest(),
                part.builder(),
                part.toolchain(),
                List.copyOf(part.bodies()),
                part.needs(),
                part.offeredAt(),
                part.proof(),
                part.canary(),
                part.abandoned(),
                List.copyOf(part.failedOn()),
                List.copyOf(part.notLoadedOn()),
                part.recalled(),
                part.damaged(),
                allOf(part.told()),
                allOf(part.served()),
                part.awaited().map(who -> new PackageState.Awaited(allOf(who.hosts()), who.since(), who.length())));
    }

    private static PersistentMap<HostId, HostId> allOf(List<HostId> hosts) {
        PersistentMap<HostId, HostId> all = PersistentMap.empty();
        for (HostId host : hosts) {
            all = all.with(host, host);
        }
        return all;
    }
}
