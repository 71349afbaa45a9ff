package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * What is known of one build target: who builds it, how builds ended, its packages, and who waits for one.
 *
 * @param running the one build under way
 * @param failures how builds of it failed, in order
 * @param notApplicable the source's own words, where it says that this kernel is not for it
 * @param packages every package of it that was claimed or stored, in the order in which it was first heard of
 * @param askers who has been told anything but Keep or Reuse, in the order in which they asked
 */
record TargetState(
        Optional<Running> running,
        List<Failure> failures,
        Optional<String> notApplicable,
        List<PackageState> packages,
        Askers askers) {

    static final TargetState UNKNOWN =
            new TargetState(Optional.empty(), List.of(), Optional.empty(), List.of(), Askers.NOBODY);

    /** A build under way: the lease that makes it one for the whole fleet. */
    record Running(DecisionId build, HostId builder) {}

    record Failure(HostId builder, String error) {}

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

    /** The package that hosts get: the first that was both built on order and found right by the store. */
    Optional<PackageState> current() {
        return packages.stream().filter(PackageState::isOffered).findFirst();
    }

    Optional<PackageState> find(Digest digest) {
        return packages.stream().filter(known -> known.digest().equals(digest)).findFirst();
    }

    long failuresOf(HostId builder) {
        return failures.stream()
                .filter(failure -> failure.builder().equals(builder))
                .count();
    }

    TargetState withRunning(Optional<Running> next) {
        return new TargetState(next, failures, notApplicable, packages, askers);
    }

    TargetState withFailure(Failure failure) {
        List<Failure> next = new ArrayList<>(failures);
        next.add(failure);
        return new TargetState(running, List.copyOf(next), notApplicable, packages, askers);
    }

    TargetState withoutFailures() {
        return new TargetState(running, List.of(), notApplicable, packages, askers);
    }

    TargetState withNotApplicable(String words) {
        return new TargetState(running, failures, Optional.of(words), packages, askers);
    }

    TargetState withAskers(Askers next) {
        return new TargetState(running, failures, notApplicable, packages, next);
    }

    TargetState changePackage(Digest digest, UnaryOperator<PackageState> change) {
        List<PackageState> next = new ArrayList<>(packages);
        for (int i = 0; i < next.size(); i++) {
            if (next.get(i).digest().equals(digest)) {
                next.set(i, change.apply(next.get(i)));
                return new TargetState(running, failures, notApplicable, List.copyOf(next), askers);
            }
        }
        next.add(change.apply(PackageState.unheardOf(digest)));
        return new TargetState(running, failures, notApplicable, List.copyOf(next), askers);
    }
}
