package io.kmodfleet.contracts;

import java.util.Optional;

/**
 * Which kernel <em>image</em> this is. A release names many images: a distribution rebuilds a kernel within one ABI name, a
 * vendor hot-fixes it, somebody compiles their own; a module with baked-in addresses fits only one of them.
 *
 * @param arch as in {@code uname -m}
 * @param release as in {@code uname -r}
 * @param version as in {@code uname -v}, read from the boot header of the image; shown to people, never compared
 * @param image SHA-256 of the vmlinuz file; absent when it is missing or unreadable
 * @param config SHA-256 of the kernel's config file; shown, never compared
 * @param buildId the GNU build-id of the running kernel in hexadecimal; absent for a kernel that is not running
 */
public record KernelIdentity(
        String arch,
        String release,
        Optional<String> version,
        Optional<Digest> image,
        Optional<Digest> config,
        Optional<String> buildId) {

    public KernelIdentity {
        Grammar.arch(arch);
        Grammar.release(release);
        version = Absent.orEmpty(version);
        image = Absent.orEmpty(image);
        config = Absent.orEmpty(config);
        buildId = Absent.orEmpty(buildId);
    }

    /** Whether both are surely one image: a strong proof is shared. A kernel without any proof matches nothing. */
    public boolean isSameImageAs(KernelIdentity other) {
        boolean sameName = arch.equals(other.arch) && release.equals(other.release);
        boolean sameImage = image.isPresent() && image.equals(other.image);
        boolean sameBuild = buildId.isPresent() && buildId.equals(other.buildId);
        return sameName && (sameImage || sameBuild);
    }
}
