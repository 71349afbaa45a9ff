package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Proof;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One package of a target. It is offered when a builder claims it for a build that was ordered and the store found it right;
 * it is proven when one host has shown what the policy asks for.
 *
 * @param builder who built it on order
 * @param bodies the bodies of its modules, once the store has it
 * @param proof the most that any host has shown of it
 * @param canary the one host that may try it before it is proven
 * @param failedOn hosts on which it could not be installed, in order
 */
record PackageState(
        Digest digest,
        Optional<HostId> builder,
        List<Digest> bodies,
        Optional<Proof> proof,
        Optional<HostId> canary,
        List<HostId> failedOn) {

    static PackageState unheardOf(Digest digest) {
        return new PackageState(digest, Optional.empty(), List.of(), Optional.empty(), Optional.empty(), List.of());
    }

    boolean isOffered() {
        return builder.isPresent() && !bodies.isEmpty();
    }

    boolean isProven(Proof wanted) {
        return proof.map(shown -> shown.covers(wanted)).orElse(false);
    }

    /** The builder tries its own package first. */
    PackageState builtBy(HostId host) {
        return builder.isPresent()
                ? this
                : new PackageState(digest, Optional.of(host), bodies, proof, Optional.of(host), failedOn);
    }

    PackageState storedWith(List<Digest> found) {
        return new PackageState(digest, builder, List.copyOf(found), proof, canary, failedOn);
    }

    PackageState shown(Proof more) {
        return isProven(more) ? this : new PackageState(digest, builder, bodies, Optional.of(more), canary, failedOn);
    }

    PackageState failedOn(HostId host) {
        if (failedOn.contains(host)) {
            return this;
        }
        List<HostId> next = new ArrayList<>(failedOn);
        next.add(host);
        return new PackageState(digest, builder, bodies, proof, canary, List.copyOf(next));
    }

    PackageState triedBy(HostId next) {
        return new PackageState(digest, builder, bodies, proof, Optional.of(next), failedOn);
    }
}
