package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.BuildOverdue;
import io.kmodfleet.contracts.Observation.DeadlinePassed;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * What is known of one build target: who builds it, how builds ended, its packages, and who waits for one.
 *
 * @param running the one build under way
 * @param overtaken builds that took too long and were given to somebody else, in order; their results still count
 * @param failures how builds of it failed, in order
 * @param pause until when it is not tried again, after a failure that did not lie in the build
 * @param notApplicable the source's own words, where it says that this kernel is not for it
 * @param putOff why it is not built although somebody could
 * @param packages every package of it that was claimed or stored, in the order in which it was first heard of
 * @param askers who has been told anything but Keep or Reuse, in the order in which they asked
 */
record TargetState(
        Optional<Running> running,
        List<Running> overtaken,
        List<Failure> failures,
        Optional<Pause> pause,
        Optional<String> notApplicable,
        Optional<PutOff> putOff,
        List<PackageState> packages,
        Askers askers) {

    static final TargetState UNKNOWN = new TargetState(
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Askers.NOBODY);

    /**
     * A build under way: the lease that makes it one for the whole fleet.
     *
     * @param since when it was ordered
     * @param limit how long it may take
     */
    record Running(DecisionId build, HostId builder, Instant since, Duration limit) {

        boolean is(DecisionId id, HostId host) {
            return build.equals(id) && builder.equals(host);
        }
    }

    /**
     * @param toolchain what it was built with, as {@link HostState#toolchainOf} has it
     * @param ordered whether that build was ordered of that host; what nobody ordered counts for nothing
     */
    record Failure(HostId builder, String error, FailureClass kind, String toolchain, boolean ordered) {}

    record Pause(Instant since, Duration length) {

        Instant until() {
            return since.plus(length);
        }
    }

    /**
     * @param place of the first decision that put it off
     * @param until when a maintenance window opens; none where it waits for other builds to end
     */
    record PutOff(DecisionId place, Instant since, Optional<Instant> until) {}

    /** In the order in which they asked; each once. */
    record Askers(PersistentMap<DecisionId, Subject> inOrder, PersistentMap<Subject, DecisionId> places) {

        static final Askers NOBODY = new Askers(PersistentMap.empty(), PersistentMap.empty());

        Askers with(Subject subject, DecisionId asked) {
            return places.get(subject).isPresent()
                    ? this
                    : new Askers(inOrder.with(asked, subject), places.with(subject, asked));
        }

        Askers without(Subject subject) {
            return places.get(subject)
                    .map(place -> new Askers(inOrder.without(place), places.without(subject)))
                    .orElse(this);
        }

        List<Subject> all() {
            List<Subject> all = new ArrayList<>(inOrder.size());
            for (Map.Entry<DecisionId, Subject> entry : inOrder) {
                all.add(entry.getValue());
            }
            return all;
        }
    }

    /**
     * The package that hosts get: of those that were built on order and found right by the store, the first to be so.
     * Since rules 3 none whose bytes the store has lost.
     */
    Optional<PackageState> current() {
        PackageState first = null;
        for (PackageState known : packages) {
            boolean earlier = first == null
                    || known.offeredAt().orElse(0L) < first.offeredAt().orElse(0L);
            first = known.counts() && earlier ? known : first;
        }
        return Optional.ofNullable(first);
    }

    /** Two packages that cannot both be right. */
    record Dissent(Digest first, HostId builder, Digest other, HostId otherBuilder) {}

    /**
     * The package that hosts would get, and the earliest that contradicts it: its modules are not the same, byte for byte. Only
     * what was built on order counts, and of it what the store found right, still has, and nobody recalled. So a host that nobody
     * asked to build cannot stop the fleet with a package of its own, whatever it claims of it; one that the coordinator chose as
     * a builder can, once for each build that it was given, and is named.
     */
    Optional<Dissent> dissent() {
        Optional<PackageState> first = packages.size() < 2 ? Optional.empty() : current();
        if (first.isEmpty()) {
            return Optional.empty();
        }
        PackageState other = null;
        for (PackageState known : packages) {
            boolean earlier = other == null
                    || known.offeredAt().orElse(0L) < other.offeredAt().orElse(0L);
            other = known.counts() && !known.hasModulesOf(first.get()) && earlier ? known : other;
        }
        return Optional.ofNullable(other)
                .map(known -> new Dissent(
                        first.get().digest(),
                        first.get().builder().orElseThrow(),
                        known.digest(),
                        known.builder().orElseThrow()));
    }

    /** How many builders gave the very modules of a package when they were asked to build. */
    int buildersOf(PackageState known) {
        return (int) packages.stream()
                .filter(PackageState::isOffered)
                .filter(known::hasModulesOf)
                .map(PackageState::builder)
                .distinct()
                .count();
    }

    Optional<PackageState> find(Digest digest) {
        return packages.stream().filter(known -> known.digest().equals(digest)).findFirst();
    }

    List<PackageState> recalled() {
        return packages.stream().filter(PackageState::isRecalled).toList();
    }

    /** Packages with the same modules were recalled once, however many builders gave them. */
    int timesRecalled() {
        List<PackageState> different = new ArrayList<>();
        for (PackageState bad : recalled()) {
            if (bad.bodies().isEmpty() || different.stream().noneMatch(bad::hasModulesOf)) {
                different.add(bad);
            }
        }
        return different.size();
    }

    /**
     * What is known of modules is known of every package that has them: one that was recalled is not offered again because
     * another builder gave it too, and one that a host has shown to load needs no second canary.
     */
    TargetState withTwinsAlike() {
        TargetState alike = this;
        for (PackageState one : packages.size() < 2 ? List.<PackageState>of() : packages) {
            for (PackageState twin : one.bodies().isEmpty() ? List.<PackageState>of() : packages) {
                if (twin != one && one.hasModulesOf(twin)) {
                    alike = alike.changePackage(one.digest(), known -> known.knowing(twin));
                }
            }
        }
        return alike;
    }

    long failuresOf(HostId builder) {
        return failures.stream()
                .filter(failure -> failure.builder().equals(builder))
                .count();
    }

    /** Failures of the build itself. */
    List<Failure> buildFailures() {
        return failures.stream()
                .filter(failure -> failure.ordered() && failure.kind() == FailureClass.BUILD)
                .toList();
    }

    int otherFailures() {
        return (int) failures.stream()
                .filter(failure -> failure.ordered() && failure.kind() == FailureClass.INFRASTRUCTURE)
                .count();
    }

    /** Whether a build with that toolchain failed by itself, or what it gave was recalled. */
    boolean failedWith(String toolchain) {
        return buildFailures().stream().anyMatch(failure -> failure.toolchain().equals(toolchain));
    }

    long timesOvertaken(HostId builder) {
        return overtaken.stream()
                .filter(build -> build.builder().equals(builder))
                .count();
    }

    /** Whether that build was ordered of that host, be it that it took too long. */
    boolean isOrdered(DecisionId build, HostId host) {
        return running.map(known -> known.is(build, host)).orElse(false)
                || overtaken.stream().anyMatch(known -> known.is(build, host));
    }

    boolean isShareable() {
        return packages.stream().anyMatch(known -> known.needs().isPresent());
    }

    /** Its place among those that wait for other builds to end. */
    Optional<DecisionId> queued() {
        return putOff.filter(waiting -> waiting.until().isEmpty()).map(PutOff::place);
    }

    List<Deadline> deadlines(BuildTarget target) {
        Optional<PackageState.Awaited> awaited = awaited();
        if (running.isEmpty() && pause.isEmpty() && putOff.isEmpty() && awaited.isEmpty()) {
            return List.of();
        }
        List<Deadline> all = new ArrayList<>();
        awaited.ifPresent(hosts -> all.add(
                new Deadline(hosts.until(), hosts.length(), new DeadlinePassed(target, Reason.CANARY_RUNNING))));
        running.ifPresent(build -> all.add(new Deadline(
                build.since().plus(build.limit()), build.limit(), new BuildOverdue(target, build.build()))));
        pause.ifPresent(until ->
                all.add(new Deadline(until.until(), until.length(), new DeadlinePassed(target, Reason.RETRY_LATER))));
        putOff.ifPresent(waiting -> waiting.until()
                .ifPresent(until -> all.add(new Deadline(
                        until,
                        Duration.between(waiting.since(), until),
                        new DeadlinePassed(target, Reason.OUTSIDE_WINDOW)))));
        return all;
    }

    /** The hosts that others wait for until they have tried the package that is offered. */
    private Optional<PackageState.Awaited> awaited() {
        return packages.isEmpty() ? Optional.empty() : current().flatMap(PackageState::awaited);
    }

    /** Nobody waits any longer for those who were told to install a package and said nothing. */
    TargetState withoutSilent() {
        TargetState rest = this;
        for (PackageState known : packages) {
            rest = rest.changePackage(known.digest(), PackageState::withoutSilent);
        }
        return rest;
    }

    TargetState withRunning(Optional<Running> next) {
        return next.equals(running)
                ? this
                : new TargetState(next, overtaken, failures, pause, notApplicable, putOff, packages, askers);
    }

    /** Its build took too long: it is nobody's, and what comes of it still counts. */
    TargetState takenAway() {
        List<Running> more = new ArrayList<>(overtaken);
        running.ifPresent(more::add);
        return new TargetState(
                Optional.empty(), List.copyOf(more), failures, pause, notApplicable, putOff, packages, askers);
    }

    TargetState withoutOvertaken(DecisionId build) {
        List<Running> rest =
                overtaken.stream().filter(known -> !known.build().equals(build)).toList();
        return rest.size() == overtaken.size()
                ? this
                : new TargetState(running, rest, failures, pause, notApplicable, putOff, packages, askers);
    }

    TargetState withFailure(Failure failure, Optional<Pause> next) {
        List<Failure> more = new ArrayList<>(failures);
        more.add(failure);
        return new TargetState(running, overtaken, List.copyOf(more), next, notApplicable, putOff, packages, askers);
    }

    TargetState withoutPause() {
        return new TargetState(running, overtaken, failures, Optional.empty(), notApplicable, putOff, packages, askers);
    }

    TargetState withoutFailures() {
        return failures.isEmpty() && pause.isEmpty()
                ? this
                : new TargetState(
                        running, overtaken, List.of(), Optional.empty(), notApplicable, putOff, packages, askers);
    }

    TargetState withNotApplicable(String words) {
        return new TargetState(running, overtaken, failures, pause, Optional.of(words), putOff, packages, askers);
    }

    TargetState withPutOff(Optional<PutOff> next) {
        return next.equals(putOff)
                ? this
                : new TargetState(running, overtaken, failures, pause, notApplicable, next, packages, askers);
    }

    TargetState withAskers(Askers next) {
        return next == askers
                ? this
                : new TargetState(running, overtaken, failures, pause, notApplicable, putOff, packages, next);
    }

    TargetState withPackages(List<PackageState> next) {
        return new TargetState(running, overtaken, failures, pause, notApplicable, putOff, List.copyOf(next), askers);
    }

    TargetState changePackage(Digest digest, UnaryOperator<PackageState> change) {
        List<PackageState> next = new ArrayList<>(packages);
        for (int i = 0; i < next.size(); i++) {
            if (next.get(i).digest().equals(digest)) {
                PackageState changed = change.apply(next.get(i));
                if (changed == next.get(i)) {
                    return this;
                }
                next.set(i, changed);
                return withPackages(next);
            }
        }
        next.add(change.apply(PackageState.unheardOf(digest)));
        return withPackages(next);
    }
}
