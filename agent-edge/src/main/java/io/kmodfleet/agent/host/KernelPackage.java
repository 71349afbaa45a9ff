package io.kmodfleet.agent.host;

import java.time.Instant;

/** A package of a kernel that is installed on a host, and since when. */
public record KernelPackage(String name, Instant installedAt, Kind kind) {

    /** What of the kernel is in it. */
    public enum Kind {
        IMAGE,
        HEADERS,
        OTHER
    }
}
