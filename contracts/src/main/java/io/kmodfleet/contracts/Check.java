package io.kmodfleet.contracts;

import java.util.Objects;

/**
 * One thing that building on a host needs, looked at.
 *
 * @param piece what was looked for
 * @param passed whether it is there
 * @param found what was seen, in words
 * @param remedy the exact command or step that supplies it on that system; empty when it passed
 */
public record Check(Piece piece, boolean passed, String found, String remedy) {

    public Check {
        Objects.requireNonNull(piece, "piece");
        Objects.requireNonNull(found, "found");
        Objects.requireNonNull(remedy, "remedy");
    }

    /** Product guide, table in 2.1. */
    public enum Piece {
        /** Root privileges of the agent. */
        ROOT,
        /** The {@code dkms} command. */
        DKMS,
        /** A C compiler. */
        COMPILER,
        /** The {@code make} command. */
        MAKE,
        /** The headers of this very kernel, with its Makefile and Module.symvers. */
        HEADERS,
        /** Room for the build tree. */
        DISK,
        /** The admin of the host lets modules be built there. */
        CONSENT
    }
}
