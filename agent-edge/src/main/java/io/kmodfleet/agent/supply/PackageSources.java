package io.kmodfleet.agent.supply;

import io.kmodfleet.agent.host.HostRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The files that say where a host gets its packages from, as they were: what supplying added to them is taken back. */
final class PackageSources {

    private static final List<String> PLACES =
            List.of("/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/yum.repos.d", "/etc/zypp/repos.d");

    private final HostRoot root;
    private final Map<Path, byte[]> before;

    private PackageSources(HostRoot root, Map<Path, byte[]> before) {
        this.root = root;
        this.before = before;
    }

    static PackageSources of(HostRoot root) throws IOException {
        return new PackageSources(root, read(root));
    }

    /** @return the files that were not as before, as the host names them */
    List<String> restore() throws IOException {
        Map<Path, byte[]> now = read(root);
        TreeMap<Path, byte[]> all = new TreeMap<>(before);
        now.forEach(all::putIfAbsent);
        List<String> changed = new java.util.ArrayList<>();
        for (Path file : all.keySet()) {
            byte[] was = before.get(file);
            if (Arrays.equals(was, now.get(file))) {
                continue;
            }
            changed.add(root.nameOf(file));
            if (was == null) {
                Files.delete(file);
            } else {
                Path fresh = file.resolveSibling("." + file.getFileName() + ".kmodfleet");
                Files.write(fresh, was);
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return changed;
    }

    private static Map<Path, byte[]> read(HostRoot root) throws IOException {
        Map<Path, byte[]> files = new TreeMap<>();
        for (String place : PLACES) {
            Path at = root.at(place);
            if (Files.exists(at)) {
                try (Stream<Path> found = Files.walk(at, 1)) {
                    for (Path file : found.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
                            .toList()) {
                        files.put(file, Files.readAllBytes(file));
                    }
                }
            }
        }
        return files;
    }
}
