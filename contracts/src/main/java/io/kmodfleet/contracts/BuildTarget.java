package io.kmodfleet.contracts;

import java.util.Objects;

/**
 * The thing that is built once for the whole fleet: one module source for one kernel image.
 *
 * @param source SHA-256 of the source package
 * @param arch as in {@code uname -m}
 * @param release as in {@code uname -r}
 * @param image SHA-256 of the vmlinuz file
 */
public record BuildTarget(Digest source, String arch, String release, Digest image) implements Comparable<BuildTarget> {

    public BuildTarget {
        Objects.requireNonNull(source, "source");
        Grammar.arch(arch);
        Grammar.release(release);
        Objects.requireNonNull(image, "image");
    }

    public boolean isFor(KernelIdentity kernel) {
        return arch.equals(kernel.arch())
                && release.equals(kernel.release())
                && kernel.image().map(image::equals).orElse(false);
    }

    @Override
    public int compareTo(BuildTarget other) {
        int order = release.compareTo(other.release);
        order = order != 0 ? order : image.compareTo(other.image);
        order = order != 0 ? order : arch.compareTo(other.arch);
        return order != 0 ? order : source.compareTo(other.source);
    }
}
