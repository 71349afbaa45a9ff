package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The root directory of a host: {@code /} on the running system, another directory for a host that is not running. A path is
 * always meant as the host sees it, so an absolute link inside stays inside.
 */
public final class HostRoot {

    private static final int MOST_LINKS = 40;
    private static final List<String> PROGRAM_DIRECTORIES =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    private final Path root;

    public HostRoot(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    public Path directory() {
        return root;
    }

    public boolean isRunningSystem() {
        return root.getNameCount() == 0;
    }

    /** Where a path of the host lies here, with every link on the way followed inside the root. */
    public Path at(String path) {
        return follow(Path.of("/").resolve(path).normalize(), 0);
    }

    /** The program that the host would run under that name. */
    public Optional<Path> program(String name) {
        return PROGRAM_DIRECTORIES.stream()
                .map(directory -> at(directory + "/" + name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** A path here, as the host names it. */
    public String nameOf(Path here) {
        return "/" + root.relativize(here);
    }

    private Path follow(Path path, int links) {
        Path here = root;
        for (int i = 0; i < path.getNameCount(); i++) {
            here = here.resolve(path.getName(i));
            if (Files.isSymbolicLink(here) && links < MOST_LINKS) {
                Path target;
                try {
                    target = Files.readSymbolicLink(here);
                } catch (IOException e) {
                    return here;
                }
                Path parent = Path.of("/").resolve(root.relativize(here.getParent()));
                Path rest = i + 1 < path.getNameCount() ? path.subpath(i + 1, path.getNameCount()) : Path.of("");
                return follow(parent.resolve(target).resolve(rest).normalize(), links + 1);
            }
        }
        return here;
    }
}
