package io.kmodfleet.store.retention;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.catalogue.State;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Whether a package may go.
 *
 * @param reason why it goes or stays, the same words for the same reason
 * @param detail what of this package makes it so
 */
record Verdict(boolean goes, Reason reason, String detail) {

    /** The first that applies. Wire names, in lower case. */
    enum Reason {
        /** Somebody said that it stays. */
        PINNED,
        /** A host has it, or is told to install it. */
        ON_HOSTS,
        /** It is too young to be judged. */
        YOUNG,
        /** It was recalled, and no host has it any more. */
        RECALLED,
        /** A host has the kernel that it was built for, and may boot it. */
        KERNEL_IN_USE,
        /** It is of one of the last versions of its module. */
        RECENT_VERSION,
        /** It is of an older version, for a kernel that no host has. */
        OUTDATED
    }

    /** What there is to know of a package. */
    record Candidate(
            Digest digest,
            String module,
            String version,
            Instant storedAt,
            State state,
            Optional<String> pinned,
            int hosts,
            int kernels) {}

    /** @param versions of a module, the last one first */
    static Verdict on(
            Candidate candidate, List<String> versions, int recentVersions, Duration minimumAge, Instant now) {
        if (candidate.pinned().isPresent()) {
            return stays(Reason.PINNED, candidate.pinned().get());
        }
        if (candidate.hosts() > 0) {
            return stays(Reason.ON_HOSTS, hosts(candidate.hosts()) + " it or will get it");
        }
        if (candidate.storedAt().isAfter(now.minus(minimumAge))) {
            return stays(Reason.YOUNG, "it came less than " + minimumAge.toDays() + " days ago");
        }
        if (candidate.state() == State.RECALLED) {
            return new Verdict(true, Reason.RECALLED, "it was recalled, and no host has it");
        }
        if (candidate.kernels() > 0) {
            return stays(Reason.KERNEL_IN_USE, hosts(candidate.kernels()) + " the kernel it was built for");
        }
        int place = versions.indexOf(candidate.version());
        if (place < 0 || place < recentVersions) {
            return stays(
                    Reason.RECENT_VERSION,
                    candidate.version() + " is one of the last " + recentVersions + " versions of "
                            + candidate.module());
        }
        return new Verdict(
                true,
                Reason.OUTDATED,
                "no host has its kernel, and " + place + " later versions of " + candidate.module()
                        + " were published");
    }

    private static Verdict stays(Reason reason, String detail) {
        return new Verdict(false, reason, detail);
    }

    private static String hosts(int count) {
        return count == 1 ? "1 host has" : count + " hosts have";
    }
}
