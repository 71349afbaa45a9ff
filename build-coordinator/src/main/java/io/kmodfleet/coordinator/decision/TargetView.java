package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.SourceStored;
import io.kmodfleet.contracts.Proof;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One build target as people look at it: who builds it, what came of it, and who waits.
 *
 * @param module and its version, as the store read them out of the source; empty where it never said
 * @param hosts how many have the kernel image
 * @param waiting how many were told to wait for it or refused it
 * @param state what matters most about it, in one word: differs, building, proven, candidate, recalled, damaged, not applicable,
 *     failed, none
 * @param differs whether builders gave packages that contradict each other, so that no host is given one
 * @param packages in the order in which they were first heard of
 */
public record TargetView(
        BuildTarget target,
        String module,
        String moduleVersion,
        Optional<Running> running,
        List<Failed> failures,
        Optional<Instant> pausedUntil,
        Optional<String> notApplicable,
        int hosts,
        int waiting,
        String state,
        boolean differs,
        List<Offered> packages) {

    /** A build under way. @param limit how long it may take */
    public record Running(DecisionId build, HostId builder, Instant since, Duration limit) {}

    public record Failed(HostId builder, String error, String kind) {}

    /**
     * @param builders how many gave its very modules when they were asked to build
     * @param offered whether it was built on order and found right
     * @param proven whether a host has shown of it what the policy asks for
     * @param proof the most that any host has shown of it
     * @param damaged whether the store has lost its bytes
     * @param told hosts that were told to install it
     * @param served those of them that reported success
     */
    public record Offered(
            Digest digest,
            Optional<HostId> builder,
            int builders,
            List<Digest> bodies,
            boolean offered,
            boolean proven,
            Optional<Proof> proof,
            Optional<HostId> canary,
            Optional<String> recalled,
            boolean damaged,
            List<HostId> failedOn,
            List<HostId> notLoadedOn,
            int told,
            int served) {

        /** Whether hosts may get it. */
        private boolean isShared() {
            return offered && !damaged && recalled.isEmpty();
        }

        /** In one word, as the catalogue has it. */
        public String state() {
            return recalled.isPresent() ? "recalled" : proven ? "proven" : "candidate";
        }
    }

    /** Every target that anything is known of, by release. */
    public static List<TargetView> all(FleetState state) {
        return after(state, Optional.empty(), Integer.MAX_VALUE);
    }

    /** The next ones of {@link #all}. @param after the last one that was seen */
    public static List<TargetView> after(FleetState state, Optional<BuildTarget> after, int limit) {
        List<TargetView> some = new ArrayList<>();
        for (Map.Entry<BuildTarget, TargetState> entry : state.targets()) {
            if (some.size() == limit) {
                break;
            }
            if (after.isEmpty() || entry.getKey().compareTo(after.get()) > 0) {
                some.add(of(state, entry.getKey(), entry.getValue()));
            }
        }
        return some;
    }

    public static TargetView of(FleetState state, BuildTarget target) {
        return of(state, target, state.target(target));
    }

    /** The build of that id, where it is under way. */
    public static Optional<TargetView> building(FleetState state, DecisionId build) {
        for (Map.Entry<BuildTarget, TargetState> entry : state.targets()) {
            if (entry.getValue()
                    .running()
                    .map(running -> running.build().equals(build))
                    .orElse(false)) {
                return Optional.of(of(state, entry.getKey(), entry.getValue()));
            }
        }
        return Optional.empty();
    }

    /** Who built a package on order. */
    public static Optional<HostId> builderOf(FleetState state, BuildTarget target, Digest digest) {
        return state.target(target).find(digest).flatMap(PackageState::builder);
    }

    private static TargetView of(FleetState state, BuildTarget target, TargetState known) {
        Optional<SourceStored> source = state.sources().get(target.source());
        List<Offered> packages = known.packages().stream()
                .map(one -> offered(
                        known,
                        one,
                        PackageStanding.proofOf(
                                state, source.map(SourceStored::module).orElse(""))))
                .toList();
        return new TargetView(
                target,
                source.map(SourceStored::module).orElse(""),
                source.map(SourceStored::moduleVersion).orElse(""),
                known.running().map(build -> new Running(build.build(), build.builder(), build.since(), build.limit())),
                known.failures().stream()
                        .map(failure -> new Failed(
                                failure.builder(),
                                failure.error(),
                                failure.kind().name()))
                        .toList(),
                known.pause().map(TargetState.Pause::until),
                known.notApplicable(),
                state.placement(KernelImage.of(target)).hosts().size(),
                known.askers().inOrder().size(),
                stateOf(known, packages),
                known.dissent().isPresent(),
                packages);
    }

    private static String stateOf(TargetState known, List<Offered> packages) {
        if (known.dissent().isPresent()) {
            return "differs";
        }
        if (known.running().isPresent()) {
            return "building";
        }
        if (packages.stream().anyMatch(one -> one.isShared() && one.proven())) {
            return "proven";
        }
        if (packages.stream().anyMatch(Offered::isShared)) {
            return "candidate";
        }
        if (!packages.isEmpty()
                && packages.stream().allMatch(one -> one.recalled().isPresent())) {
            return "recalled";
        }
        if (packages.stream().anyMatch(Offered::damaged)) {
            return "damaged";
        }
        if (known.notApplicable().isPresent()) {
            return "not applicable";
        }
        return known.failures().isEmpty() ? "none" : "failed";
    }

    private static Offered offered(TargetState of, PackageState known, Proof wanted) {
        return new Offered(
                known.digest(),
                known.builder(),
                of.buildersOf(known),
                known.bodies(),
                known.isOffered(),
                known.isProven(wanted),
                known.proof(),
                known.canary(),
                known.recalled(),
                known.damaged(),
                known.failedOn(),
                known.notLoadedOn(),
                known.told().size(),
                known.served().size());
    }
}
