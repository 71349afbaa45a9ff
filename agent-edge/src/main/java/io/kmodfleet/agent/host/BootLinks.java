package io.kmodfleet.agent.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which kernel starts next, by the links that Debian's kernel packages keep ({@code do_symlinks} in kernel-img.conf(5)). Other
 * boot loaders have their own configuration, which is not read: there it stays unknown.
 */
final class BootLinks {

    private static final String IMAGE = "vmlinuz-";

    private final HostRoot root;

    BootLinks(HostRoot root) {
        this.root = root;
    }

    /** Absent where there is no link, it leads nowhere, or two links lead to two kernels. */
    Optional<Boolean> isNext(String release) {
        Set<String> linked = new TreeSet<>();
        for (String link : new String[] {"/vmlinuz", "/boot/vmlinuz"}) {
            if (Files.isSymbolicLink(root.directory().resolve(link.substring(1)))) {
                Path image = root.at(link);
                String name = image.getFileName().toString();
                if (!Files.isRegularFile(image) || !name.startsWith(IMAGE)) {
                    return Optional.empty();
                }
                linked.add(name.substring(IMAGE.length()));
            }
        }
        return linked.size() == 1 ? Optional.of(linked.contains(release)) : Optional.empty();
    }
}
