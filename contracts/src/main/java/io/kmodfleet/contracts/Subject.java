package io.kmodfleet.contracts;

import java.util.Objects;

/** What a decision is about: one module on one kernel of one host. */
public record Subject(HostId host, String release, String module) implements Comparable<Subject> {

    public Subject {
        Objects.requireNonNull(host, "host");
        Grammar.release(release);
        Grammar.module(module);
    }

    @Override
    public int compareTo(Subject other) {
        int order = host.compareTo(other.host);
        order = order != 0 ? order : release.compareTo(other.release);
        return order != 0 ? order : module.compareTo(other.module);
    }
}
