package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Where the files of a kernel lie. Debian and its kin keep them in {@code /boot}; the Enterprise Linux family, Fedora and SUSE
 * ship them beside the modules and copy what the boot loader needs.
 */
final class KernelFiles {

    private static final Pattern PASSING = Pattern.compile("\\.(dpkg-\\w+|rpm(new|save|orig|moved))$|;[0-9a-f]{8}$");

    private final HostRoot root;
    private final String release;

    KernelFiles(HostRoot root, String release) {
        this.root = root;
        this.release = release;
    }

    /** The one that the boot loader takes, where it is in {@code /boot}. */
    Path image() {
        return first("/boot/vmlinuz-" + release, "/lib/modules/" + release + "/vmlinuz");
    }

    Path config() {
        return first(
                "/boot/config-" + release,
                "/lib/modules/" + release + "/config",
                "/usr/lib/ostree-boot/config-" + release);
    }

    /** In the order in which modules that read it look (a map of the running kernel in memory is another matter). */
    Optional<Path> symbolMap() {
        return List.of(
                        "/lib/modules/" + release + "/System.map",
                        "/boot/System.map-" + release,
                        "/usr/lib/debug/boot/System.map-" + release)
                .stream()
                .map(root::at)
                .filter(Files::isRegularFile)
                .findFirst();
    }

    /** As initramfs-tools, dracut, and dracut on SUSE name it. */
    Optional<Path> initramfs() {
        return List.of("/boot/initrd.img-" + release, "/boot/initramfs-" + release + ".img", "/boot/initrd-" + release)
                .stream()
                .map(root::at)
                .filter(Files::exists)
                .findFirst();
    }

    /** Where it is built against. */
    Path headers() {
        return root.at("/lib/modules/" + release + "/build");
    }

    private Path first(String... places) {
        for (String place : places) {
            Path file = root.at(place);
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        return root.at(places[0]);
    }

    /**
     * The names that stand for kernels: an image, modules or headers are there of each. What is no name of a kernel is among them,
     * but not what a package manager is just unpacking or has set aside (dpkg, {@code DPKGNEWEXT} and its like; rpm, {@code .rpmnew}
     * and its like).
     */
    static Set<String> names(HostRoot root) {
        Set<String> names = new TreeSet<>();
        for (Path image : list(root.at("/boot"), "vmlinuz-*")) {
            names.add(image.getFileName().toString().substring("vmlinuz-".length()));
        }
        for (Path directory : list(root.at("/lib/modules"), "*")) {
            boolean leftover = Files.notExists(directory.resolve("modules.builtin"))
                    && Files.notExists(directory.resolve("vmlinuz"))
                    && Files.notExists(directory.resolve("build"), java.nio.file.LinkOption.NOFOLLOW_LINKS);
            if (!leftover) {
                names.add(directory.getFileName().toString());
            }
        }
        // Headers of a kernel; those that several kernels share (linux-headers-6.1.0-50-common) have no symbol
        // versions.
        for (Path directory : list(root.at("/usr/src"), "linux-headers-*")) {
            if (Files.isRegularFile(directory.resolve("Module.symvers"))) {
                names.add(directory.getFileName().toString().substring("linux-headers-".length()));
            }
        }
        for (Path directory : list(root.at("/usr/src/kernels"), "*")) {
            if (Files.isRegularFile(directory.resolve("Module.symvers"))) {
                names.add(directory.getFileName().toString());
            }
        }
        names.removeIf(name -> PASSING.matcher(name).find());
        return names;
    }

    private static List<Path> list(Path directory, String glob) {
        List<Path> found = new java.util.ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
            entries.forEach(found::add);
        } catch (IOException | DirectoryIteratorException e) {
            // A host without /boot, a container say, may still have modules.
        }
        return found;
    }
}
