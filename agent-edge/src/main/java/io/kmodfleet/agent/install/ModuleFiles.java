package io.kmodfleet.agent.install;

import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The out-of-tree module files of one kernel, where Debian ({@code updates}) and the others ({@code extra}) keep them. */
final class ModuleFiles {

    private ModuleFiles() {}

    /** @param modules {@code /lib/modules/K} of the host */
    static List<Path> below(Path modules) throws IOException {
        List<Path> found = new ArrayList<>();
        for (String directory : List.of("updates", "extra")) {
            if (Files.isDirectory(modules.resolve(directory))) {
                try (Stream<Path> files = Files.walk(modules.resolve(directory), 6)) {
                    files.filter(file -> file.getFileName().toString().matches("[^.].*\\.ko(\\.(gz|xz|zst))?"))
                            .filter(Files::isRegularFile)
                            .sorted()
                            .forEach(found::add);
                }
            }
        }
        return found;
    }

    /** As the host names them. */
    static Set<String> named(HostRoot root, String release) throws IOException {
        Path modules = root.at("/lib/modules/" + release);
        Set<String> names = new TreeSet<>();
        for (Path file : below(modules)) {
            names.add("/lib/modules/" + release + "/" + modules.relativize(file));
        }
        return names;
    }

    static List<Path> withBody(Path modules, Digest body) throws IOException {
        List<Path> same = new ArrayList<>();
        for (Path file : below(modules)) {
            if (bodyOf(file).equals(Optional.of(body))) {
                same.add(file);
            }
        }
        return same;
    }

    static Optional<Digest> bodyOf(Path file) throws IOException {
        try {
            return Optional.of(ModuleFile.read(Files.readAllBytes(file)).body());
        } catch (NotAModule e) {
            return Optional.empty();
        }
    }

    /** The module that a file is by its name: the kernel takes a dash for an underscore. */
    static String moduleOf(String path) {
        String file = path.substring(path.lastIndexOf('/') + 1);
        int suffix = file.indexOf(".ko");
        return (suffix < 0 ? file : file.substring(0, suffix)).replace('-', '_');
    }
}
