package io.kmodfleet.agent.host;

import java.util.Optional;

/**
 * What dkms keeps of one version of a module: that it is known, or what became of it for one kernel.
 *
 * @param release of the kernel; absent where it is known only
 * @param fault what is wrong with it, in words; then a later run of dkms may fail, and the package manager with it
 */
public record DkmsEntry(
        String module,
        String version,
        Optional<String> release,
        Optional<String> arch,
        State state,
        Optional<String> fault) {

    /** As {@code dkms status} says it. */
    public enum State {
        ADDED,
        BUILT,
        INSTALLED,
        /** Neither of these: something of it is there, and nothing can be done with that. */
        BROKEN
    }

    /** As dkms 3 prints it. */
    public String name() {
        return module + "/" + version + release.map(kernel -> ", " + kernel).orElse("")
                + arch.map(name -> ", " + name).orElse("");
    }
}
