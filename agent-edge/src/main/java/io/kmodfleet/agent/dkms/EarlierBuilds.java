package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.dkms.SourceBuild.Built;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelExports;
import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.DkmsTarball;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What dkms built before there was a fleet, on this host or on one whose tarball was brought here: packages of it, where nothing
 * speaks against them. Nobody watched these builds, so more is asked of them than of one that was ordered.
 */
public final class EarlierBuilds {

    private static final byte[] NO_LOG = "Built by dkms before the host shared it; the log was not kept.\n".getBytes();

    private final HostRoot root;
    private final Dkms dkms;
    private final KernelExports kernels;
    private final Clock clock;

    /**
     * One build for one kernel.
     *
     * @param builtAt when its youngest module file was written; absent where it came in a tarball, which does not tell which image of
     *     the release it was built for
     */
    public record Earlier(
            String module,
            String version,
            String release,
            String arch,
            SortedMap<String, byte[]> files,
            Optional<Instant> builtAt,
            byte[] log) {

        public String words() {
            return module + " " + version + " for " + release;
        }
    }

    public EarlierBuilds(HostRoot root, Dkms dkms, Clock clock) {
        this.root = root;
        this.dkms = dkms;
        this.kernels = new KernelExports(root);
        this.clock = clock;
    }

    /** Those in this host's dkms tree. */
    public List<Earlier> find() throws IOException {
        List<Earlier> found = new ArrayList<>();
        Path tree = root.at(DkmsPlaces.TREE);
        if (!Files.isDirectory(tree)) {
            return found;
        }
        try (Stream<Path> places = Files.find(tree, 5, (path, any) -> path.endsWith("module"))) {
            for (Path place : places.sorted().toList()) {
                Path names = tree.relativize(place);
                if (names.getNameCount() == 5 && Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
                    earlier(names, place).ifPresent(found::add);
                }
            }
        }
        return found;
    }

    private static Optional<Earlier> earlier(Path names, Path place) throws IOException {
        SortedMap<String, byte[]> files = new TreeMap<>();
        Instant youngest = Instant.EPOCH;
        for (Path file : Dkms.moduleFilesIn(place)) {
            files.put(file.getFileName().toString(), Files.readAllBytes(file));
            Instant changed = Files.getLastModifiedTime(file).toInstant();
            youngest = changed.isAfter(youngest) ? changed : youngest;
        }
        Path log = place.resolveSibling("log").resolve("make.log");
        try {
            return files.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Earlier(
                            Grammar.module(names.getName(0).toString()),
                            Grammar.version(names.getName(1).toString()),
                            Grammar.release(names.getName(2).toString()),
                            Grammar.version(names.getName(3).toString()),
                            files,
                            Optional.of(youngest),
                            Files.isRegularFile(log) ? Files.readAllBytes(log) : NO_LOG));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Those of a tarball. */
    public static List<Earlier> in(DkmsTarball tarball) {
        SortedMap<String, Earlier> byKernel = new TreeMap<>();
        for (DkmsTarball.BuiltModule module : tarball.modules()) {
            byKernel.computeIfAbsent(
                            module.release() + " " + module.arch(),
                            any -> new Earlier(
                                    tarball.conf().name(),
                                    tarball.conf().version(),
                                    module.release(),
                                    module.arch(),
                                    new TreeMap<>(),
                                    Optional.empty(),
                                    NO_LOG))
                    .files()
                    .put(module.file(), module.bytes());
        }
        return List.copyOf(byKernel.values());
    }

    /** Whether this host's source of it is that one, byte for byte, and was so when it was built. */
    public boolean isOf(Earlier earlier, SourcePackage source) throws IOException {
        String place = new DkmsPlaces(earlier.module(), earlier.version(), earlier.release(), earlier.arch()).source();
        return dkms.holds(place, source.files()) || dkms.holds(place, Dkms.filesToEnter(source));
    }

    /**
     * The package of it.
     *
     * @param source published, and what it was built from
     * @param kernel what this host has of its kernel, looked at just now
     * @throws BuildFault where it must not be shared; the sentence says why
     */
    public Built pack(Earlier earlier, SourcePackage source, KernelState kernel, HostId host) throws IOException {
        String release = kernel.identity().release();
        Digest image = kernel.identity()
                .image()
                .orElseThrow(() -> BuildFault.ofHost("Expected the image of kernel " + release
                        + " on this host, for a module belongs to one image, but it is not installed"));
        requireYounger(earlier, source, kernel);
        BuildTarget target = new BuildTarget(source.digest(), kernel.identity().arch(), release, image);
        Optional<String> vermagic = kernels.vermagic(release);
        boolean addresses = SymbolMaps.isReadBy(source);
        List<PackagedModule> modules = new ArrayList<>();
        for (var file : earlier.files().entrySet()) {
            PackagedModule module = SourceBuild.look(Path.of(file.getKey()), file.getValue(), target, vermagic);
            requireFit(earlier, source, file.getKey(), file.getValue(), release);
            if (addresses && !isLoaded(module, kernel)) {
                throw BuildFault.ofBuild("Expected " + module.name() + " to be loaded here, for it holds addresses of"
                        + " the kernel that nobody can check any more, but the running kernel does not have this very"
                        + " file. Share it after it was loaded, or have it built anew");
            }
            modules.add(module);
        }
        byte[] conf = source.confBytes();
        PackageManifest manifest = new PackageManifest(
                PackageManifest.FORMAT,
                source.conf().name(),
                source.conf().version(),
                target,
                kernel.identity(),
                modules,
                Digest.of(conf),
                "unknown, built before it was shared",
                "unknown, built before it was shared",
                host,
                Optional.empty(),
                Digest.of(earlier.log()),
                earlier.builtAt().orElseGet(clock::instant));
        return new Built(
                manifest,
                ModulePackage.write(manifest, conf, List.copyOf(earlier.files().values())));
    }

    /** A build older than the image was made for another one; one older than its source, from another. */
    private void requireYounger(Earlier earlier, SourcePackage source, KernelState kernel) throws IOException {
        if (earlier.builtAt().isEmpty()) {
            if (source.conf().binding() == Binding.EXACT_IMAGE) {
                throw BuildFault.ofBuild("Expected a module that does not depend on one image, for a tarball does not"
                        + " tell which image of " + earlier.release() + " it was built for, but its source says"
                        + " NO_WEAK_MODULES. Have it built anew");
            }
            if (kernels.of(earlier.release(), Integer.MAX_VALUE).isEmpty()) {
                throw BuildFault.ofHost("Expected Module.symvers of " + earlier.release() + " on this host, to hold the"
                        + " module of a tarball against it, but there is none. Install the headers");
            }
            return;
        }
        Instant built = earlier.builtAt().get();
        Optional<Instant> imageCame = kernel.imageInstalledAt();
        if (imageCame.isEmpty() || built.isBefore(imageCame.get())) {
            throw BuildFault.ofBuild("Expected it to be built after the image of " + earlier.release()
                    + " was installed" + imageCame.map(at -> " (" + at + ")").orElse("") + ", but it was built " + built
                    + ". Have it built anew");
        }
        Path tree = root.at(
                new DkmsPlaces(earlier.module(), earlier.version(), earlier.release(), earlier.arch()).source());
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                // dkms.conf: where the agent holds dkms's autoinstall back, it says so in there.
                if (!file.endsWith("dkms.conf")
                        && Files.getLastModifiedTime(file).toInstant().isAfter(built)) {
                    throw BuildFault.ofBuild("Expected its source to be as old as the build at least, but "
                            + root.nameOf(file) + " was changed after it. Have it built anew");
                }
            }
        }
    }

    private void requireFit(Earlier earlier, SourcePackage source, String name, byte[] file, String release)
            throws IOException {
        try {
            ModuleFile module = ModuleFile.read(file);
            Optional<String> misfit =
                    module.needs().isEmpty() && earlier.builtAt().isPresent()
                            ? Optional.empty()
                            : kernels.misfit(module, release);
            if (misfit.isPresent()) {
                throw BuildFault.ofBuild("Expected " + name + " to fit kernel " + release + ", but " + misfit.get());
            }
            boolean known = source.conf().modules().stream().anyMatch(built -> built.replace('-', '_')
                    .equals(module.info().name()));
            if (!known) {
                throw BuildFault.ofBuild(
                        "Expected one of the modules " + source.conf().modules() + ", but " + name + " is "
                                + module.info().name());
            }
        } catch (NotAModule e) {
            throw BuildFault.ofBuild(name + ": " + e.getMessage());
        }
    }

    private static boolean isLoaded(PackagedModule module, KernelState kernel) {
        return kernel.running()
                && kernel.modules().stream()
                        .filter(InstalledModule::loaded)
                        .anyMatch(installed -> installed.body().equals(module.body()));
    }
}
