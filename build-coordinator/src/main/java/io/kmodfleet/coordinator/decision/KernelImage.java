package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelIdentity;
import java.util.Optional;

/** The part of a kernel's identity that hosts are looked up by. */
record KernelImage(String arch, String release, Digest digest) implements Comparable<KernelImage> {

    static Optional<KernelImage> of(KernelIdentity kernel) {
        return kernel.image().map(digest -> new KernelImage(kernel.arch(), kernel.release(), digest));
    }

    static KernelImage of(BuildTarget target) {
        return new KernelImage(target.arch(), target.release(), target.image());
    }

    BuildTarget with(Digest source) {
        return new BuildTarget(source, arch, release, digest);
    }

    @Override
    public int compareTo(KernelImage other) {
        int order = release.compareTo(other.release);
        order = order != 0 ? order : digest.compareTo(other.digest);
        return order != 0 ? order : arch.compareTo(other.arch);
    }
}
