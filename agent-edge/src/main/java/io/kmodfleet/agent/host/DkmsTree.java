package io.kmodfleet.agent.host;

import io.kmodfleet.agent.host.DkmsEntry.State;
import io.kmodfleet.contracts.Grammar;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The state of dkms, by its own files below {@code /var/lib/dkms}; the form is the same from dkms 2.2 to 3.4.
 * {@code MODULE/VERSION/source} leads to the source, {@code MODULE/VERSION/KERNEL/ARCH/module} holds what was built, and
 * {@code MODULE/kernel-KERNEL-ARCH} leads to what is installed.
 */
final class DkmsTree {

    private static final String PLACE = "/var/lib/dkms";
    private static final List<String> NO_KERNEL = List.of("source", "build");

    private final HostRoot root;

    DkmsTree(HostRoot root) {
        this.root = root;
    }

    /** In the order of names. Names that dkms itself would not make are passed over. */
    List<DkmsEntry> entries() {
        List<DkmsEntry> entries = new ArrayList<>();
        for (String module : directories(root.at(PLACE))) {
            for (String version : directories(root.at(PLACE + "/" + module))) {
                if (isName(module) && isName(version) && !version.startsWith("original_module")) {
                    add(entries, module, version);
                }
            }
        }
        return entries;
    }

    private void add(List<DkmsEntry> entries, String module, String version) {
        String place = PLACE + "/" + module + "/" + version;
        Optional<String> fault = faultOf(place);
        List<DkmsEntry> kernels = new ArrayList<>();
        for (String release : directories(root.at(place))) {
            if (!NO_KERNEL.contains(release) && isName(release)) {
                for (String arch : directories(root.at(place + "/" + release))) {
                    if (isName(arch)) {
                        kernels.add(of(module, version, release, arch));
                    }
                }
            }
        }
        if (kernels.isEmpty() || fault.isPresent()) {
            State state = isThere(place + "/source/dkms.conf") ? State.ADDED : State.BROKEN;
            entries.add(new DkmsEntry(module, version, Optional.empty(), Optional.empty(), state, fault));
        }
        entries.addAll(kernels);
    }

    private Optional<String> faultOf(String place) {
        if (!isThere(place + "/source/dkms.conf")) {
            return Optional.of("its source is gone: " + place + "/source has no dkms.conf");
        }
        Path build = root.at(place + "/build");
        if (Files.isDirectory(build) && !directoryIsEmpty(build)) {
            return Optional.of("a build of it was cut off or failed: " + place + "/build is left over");
        }
        return Optional.empty();
    }

    private DkmsEntry of(String module, String version, String release, String arch) {
        String place = PLACE + "/" + module + "/" + version + "/" + release + "/" + arch;
        List<String> built = modulesIn(root.at(place + "/module"));
        Path link = root.at(PLACE + "/" + module).resolve("kernel-" + release + "-" + arch);
        boolean linked =
                Files.isSymbolicLink(link) && root.at(root.nameOf(link)).equals(root.at(place));
        State state = linked ? State.INSTALLED : State.BUILT;
        Optional<String> fault = Optional.empty();
        if (built.isEmpty()) {
            state = State.BROKEN;
            fault = Optional.of("there is no module file in " + place + "/module");
        } else if (linked) {
            fault = built.stream()
                    .map(DkmsTree::moduleOf)
                    .filter(name -> !isInstalled(release, name))
                    .findFirst()
                    .map(name -> "it counts as installed, but " + name + ".ko is not below /lib/modules/" + release);
        }
        return new DkmsEntry(module, version, Optional.of(release), Optional.of(arch), state, fault);
    }

    private boolean isInstalled(String release, String module) {
        return Stream.of("updates", "extra", "weak-updates", "kernel")
                .map(directory -> root.at("/lib/modules/" + release + "/" + directory))
                .filter(Files::isDirectory)
                .anyMatch(directory -> {
                    try (Stream<Path> files = Files.walk(directory, 8)) {
                        return files.anyMatch(file -> isModule(file)
                                && moduleOf(file.getFileName().toString()).equals(module));
                    } catch (IOException | java.io.UncheckedIOException e) {
                        return false;
                    }
                });
    }

    private static String moduleOf(String file) {
        return file.substring(0, file.indexOf(".ko"));
    }

    private static boolean isModule(Path file) {
        return file.getFileName().toString().matches("[^.].*\\.ko(\\.(gz|xz|zst))?");
    }

    private static List<String> modulesIn(Path directory) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (isModule(file) && Files.isRegularFile(file)) {
                    names.add(file.getFileName().toString());
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        names.sort(null);
        return names;
    }

    private boolean isThere(String path) {
        return Files.isRegularFile(root.at(path));
    }

    private static boolean directoryIsEmpty(Path directory) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            return !files.iterator().hasNext();
        } catch (IOException | DirectoryIteratorException e) {
            return true;
        }
    }

    private static List<String> directories(Path directory) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory)) {
            for (Path entry : found) {
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    names.add(entry.getFileName().toString());
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        names.sort(null);
        return names;
    }

    private static boolean isName(String text) {
        try {
            Grammar.version(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
