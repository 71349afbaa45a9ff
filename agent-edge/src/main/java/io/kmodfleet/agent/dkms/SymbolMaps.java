package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Shown;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The symbol map that a build for a kernel reads. Debian's {@code /boot/System.map-K} is a stub of one line; where that kernel
 * runs, its own list of symbols serves, as the image was linked. The build is shown it, and the host keeps its stub.
 */
final class SymbolMaps {

    private static final Duration LIMIT = Duration.ofMinutes(1);

    private final HostRoot root;
    private final HostPrograms programs;

    SymbolMaps(HostRoot root, HostPrograms programs) {
        this.root = root;
        this.programs = programs;
    }

    /**
     * @param map what the build reads
     * @param shown what it must be shown for that
     */
    record Offered(KernelMap map, List<Shown> shown) {}

    /** Whether its build reads addresses out of the kernel's map: one of its scripts names it. */
    static boolean isReadBy(SourcePackage source) {
        return source.files().stream()
                .filter(file -> file.program() || isScript(file.path()))
                .map(SourceFile::bytes)
                .anyMatch(bytes -> new String(bytes, StandardCharsets.ISO_8859_1).contains("System.map"));
    }

    private static boolean isScript(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        return name.endsWith(".sh") || name.equals("dkms.conf") || name.equals("Makefile") || name.equals("Kbuild");
    }

    /**
     * The first map that such scripts find and that can be relied on (the same places in the same order as theirs), else one made
     * from the running kernel.
     *
     * @param scratch where one may be made
     * @return empty where there is none that a build could rely on
     */
    Optional<Offered> forBuild(KernelState kernel, Path scratch) throws IOException, InterruptedException {
        String release = kernel.identity().release();
        for (String place : List.of(
                "/lib/modules/" + release + "/System.map",
                "/boot/System.map-" + release,
                "/usr/lib/debug/boot/System.map-" + release)) {
            KernelMap map = new KernelMap(root.at(place));
            if (Files.isRegularFile(map.file())) {
                if (map.isUsable()) {
                    return Optional.of(new Offered(map, List.of()));
                }
                if (isTakenByScripts(map)) {
                    // It would be read before any other one.
                    return Optional.empty();
                }
            }
        }
        boolean linkedAtOneAddress = kernel.identity().arch().equals("x86_64");
        if (!kernel.running() || !linkedAtOneAddress) {
            return Optional.empty();
        }
        Path made = Files.createDirectories(scratch).resolve("System.map-" + release);
        Optional<KernelMap> own = ofRunningKernel(made);
        return own.isPresent() && own.get().writeLinked(made)
                ? Optional.of(new Offered(new KernelMap(made), List.of(instead(made, release))))
                : Optional.empty();
    }

    /** A service may not see the file itself (ProtectKernelTunables hides it); its programs have a fresh {@code /proc}. */
    private Optional<KernelMap> ofRunningKernel(Path beside) throws IOException, InterruptedException {
        Path shown = root.at("/proc/kallsyms");
        if (Files.isReadable(shown) && new KernelMap(shown).isUsable()) {
            return Optional.of(new KernelMap(shown));
        }
        if (!root.isRunningSystem()) {
            return Optional.empty();
        }
        Path copy = beside.getParent().resolveSibling("kallsyms");
        return programs.run(LIMIT, List.of("cp", "/proc/kallsyms", copy.toString()))
                        .isSuccess()
                ? Optional.of(new KernelMap(copy))
                : Optional.empty();
    }

    /** With {@code __per_cpu_start} and little else a map looks whole to them. */
    private static boolean isTakenByScripts(KernelMap map) throws IOException {
        return Files.size(map.file()) < 64 * 1024 * 1024
                && Files.readString(map.file(), StandardCharsets.ISO_8859_1).contains("__per_cpu_start");
    }

    /** In place of the stub; where there is none, in a {@code /boot} that holds nothing but the map and the config. */
    private Shown instead(Path made, String release) throws IOException {
        Path stub = root.at("/boot/System.map-" + release);
        if (Files.isRegularFile(stub)) {
            return new Shown(made, stub);
        }
        Path config = root.at("/boot/config-" + release);
        if (Files.isRegularFile(config)) {
            Files.copy(config, made.resolveSibling("config-" + release));
        }
        return new Shown(made.getParent(), root.at("/boot"));
    }
}
