package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.contracts.module.Compression;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Looks at a host and writes down what is there. What cannot be read is left out, never guessed. */
public final class HostInspector {

    private static final long ROOM = 300_000_000L;
    private static final int MOST_MODULES = 200;
    private static final List<String> OUT_OF_TREE = List.of("updates", "extra");

    private final HostRoot root;
    private final boolean observeOnly;
    private final Supplier<Map<Digest, InstallRecord>> installed;
    private final ImageDigests digests;
    private final ReadOnce<SymbolMap> symbolMaps = new ReadOnce<>();
    private final ReadOnce<Optional<Seen>> seen = new ReadOnce<>();
    private final SortedMap<String, String> labels;
    private final BooleanSupplier mayBuild;
    private final Compilers compilers;
    private final Initramfs initramfs;
    private final SecureBootState secureBoot;
    private final BootLinks bootLinks;

    /** What a report says of a module file whoever installed it. */
    private record Seen(
            String name, Optional<String> version, Digest body, String vermagic, Optional<String> srcversion) {}

    /**
     * @param state where digests may be remembered over restarts
     * @param installed what the agent has installed, by body
     */
    public HostInspector(
            HostRoot root, boolean observeOnly, Optional<Path> state, Supplier<Map<Digest, InstallRecord>> installed) {
        this(root, observeOnly, state, installed, java.util.Collections.emptySortedMap(), () -> true);
    }

    /**
     * @param labels what its admin calls the host
     * @param mayBuild whether its admin lets modules be built there
     */
    public HostInspector(
            HostRoot root,
            boolean observeOnly,
            Optional<Path> state,
            Supplier<Map<Digest, InstallRecord>> installed,
            SortedMap<String, String> labels,
            BooleanSupplier mayBuild) {
        this.root = root;
        this.observeOnly = observeOnly;
        this.digests = new ImageDigests(state);
        this.installed = installed;
        this.labels = labels;
        this.mayBuild = mayBuild;
        RootQuestions questions = new RootQuestions(root);
        this.compilers = new Compilers(root, questions);
        this.initramfs = new Initramfs(root, questions);
        this.secureBoot = new SecureBootState(root, questions);
        this.bootLinks = new BootLinks(root);
    }

    /** @throws IOException where there is no usable {@code /etc/machine-id}: a host without a name cannot speak */
    public HostId hostId() throws IOException {
        Path file = root.at("/etc/machine-id");
        try {
            return HostId.fromMachineId(Files.readString(file));
        } catch (IOException e) {
            throw new IOException("Expected a machine id in " + file + ", but it cannot be read ("
                    + e.getClass().getSimpleName() + "). Run systemd-machine-id-setup");
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage());
        }
    }

    public HostReport inspect() {
        Map<String, String> release = osRelease();
        OperatingSystem os = new OperatingSystem(
                line(release.getOrDefault("ID", "unknown")),
                line(release.getOrDefault("VERSION_ID", "")),
                line(release.getOrDefault("PRETTY_NAME", release.getOrDefault("ID", "unknown"))));
        PackageManager packages = PackageManager.of(
                os, List.of(release.getOrDefault("ID_LIKE", "").split(" ")));
        String arch = arch();
        List<KernelState> kernels = new ArrayList<>();
        for (String kernel : releases()) {
            kernels.add(kernel(arch, kernel, packages));
        }
        digests.remember();
        symbolMaps.forgetVanished();
        seen.forgetVanished();
        initramfs.forgetVanished();
        return new HostReport(
                hostname(),
                os,
                arch,
                observeOnly,
                checks(os, packages),
                kernels,
                labels,
                compilers.ofHost(),
                secureBoot.look());
    }

    private List<Check> checks(OperatingSystem os, PackageManager packages) {
        return List.of(
                check(Piece.ROOT, isRoot(), "runs as root", "does not run as root", "sudo kmodfleet-agent"),
                program(Piece.DKMS, packages.installDkms(os), "dkms"),
                program(Piece.COMPILER, packages.install("gcc"), "gcc", "cc"),
                program(Piece.MAKE, packages.install("make"), "make"),
                disk(),
                check(
                        Piece.CONSENT,
                        mayBuild.getAsBoolean(),
                        "building with DKMS is enabled",
                        "nobody enabled building with DKMS on this host",
                        "kmodfleet-agent install --enable-dkms"));
    }

    private Check program(Piece piece, String remedy, String... names) {
        Optional<Path> found =
                Stream.of(names).map(root::program).flatMap(Optional::stream).findFirst();
        return check(
                piece, found.isPresent(), found.map(root::nameOf).orElse(""), names[0] + " is not installed", remedy);
    }

    /** Rounded, so that a disk that fills slowly is not a change of the host. */
    private Check disk() {
        Path at = root.at("/var/lib");
        try {
            long free = Files.getFileStore(at).getUsableSpace();
            return check(
                    Piece.DISK,
                    free >= ROOM,
                    "at least " + ROOM / 1_000_000 + " MB free below /var/lib",
                    "less than " + ROOM / 1_000_000 + " MB free below /var/lib",
                    "free some space below /var/lib");
        } catch (IOException e) {
            return check(Piece.DISK, false, "", "/var/lib cannot be looked at", "mount /var/lib");
        }
    }

    private static Check check(Piece piece, boolean passed, String found, String missing, String remedy) {
        return new Check(piece, passed, passed ? found : missing, passed ? "" : remedy);
    }

    private KernelState kernel(String arch, String release, PackageManager packages) {
        Path image = root.at("/boot/vmlinuz-" + release);
        Optional<String> version = version(image);
        boolean running = isRunning(release, version);
        KernelIdentity identity = new KernelIdentity(
                arch,
                release,
                version,
                digests.of(image),
                digests.of(root.at("/boot/config-" + release)),
                running ? buildId() : Optional.empty());
        Path headers = root.at("/lib/modules/" + release + "/build");
        boolean hasHeaders =
                Files.isRegularFile(headers.resolve("Makefile")) && Files.exists(headers.resolve("Module.symvers"));
        Check check = check(
                Piece.HEADERS,
                hasHeaders,
                root.nameOf(headers),
                "headers of " + release + " are not installed",
                packages.headersFor(release));
        return new KernelState(
                identity,
                running,
                symbolMap(release),
                Files.exists(root.at("/boot/initrd.img-" + release))
                        || Files.exists(root.at("/boot/initramfs-" + release + ".img")),
                installedAt(image, "linux-image-" + release, "linux-image-unsigned-" + release),
                hasHeaders ? installedAt(headers.resolve("Makefile"), "linux-headers-" + release) : Optional.empty(),
                List.of(check),
                modules(release, running),
                bootLinks.isNext(release),
                compilers.ofKernel(release));
    }

    /** Every release that an image, modules or headers are there of. */
    private Set<String> releases() {
        Set<String> releases = new TreeSet<>();
        try (DirectoryStream<Path> images = Files.newDirectoryStream(root.at("/boot"), "vmlinuz-*")) {
            images.forEach(
                    image -> addRelease(releases, image.getFileName().toString().substring("vmlinuz-".length())));
        } catch (IOException | DirectoryIteratorException e) {
            // A host without /boot, a container say, may still have modules.
        }
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(root.at("/lib/modules"))) {
            for (Path directory : directories) {
                boolean leftover = Files.notExists(directory.resolve("modules.builtin"))
                        && Files.notExists(directory.resolve("build"), java.nio.file.LinkOption.NOFOLLOW_LINKS);
                if (!leftover) {
                    addRelease(releases, directory.getFileName().toString());
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Nothing is there.
        }
        // Headers of a kernel; those that several kernels share (linux-headers-6.1.0-50-common) have no symbol
        // versions.
        try (DirectoryStream<Path> headers = Files.newDirectoryStream(root.at("/usr/src"), "linux-headers-*")) {
            for (Path directory : headers) {
                if (Files.isRegularFile(directory.resolve("Module.symvers"))) {
                    addRelease(releases, directory.getFileName().toString().substring("linux-headers-".length()));
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Nothing is there.
        }
        return releases;
    }

    private static void addRelease(Set<String> releases, String release) {
        try {
            releases.add(Grammar.release(release));
        } catch (IllegalArgumentException e) {
            // vmlinuz-lts.old and the like name no kernel of ours.
        }
    }

    private List<InstalledModule> modules(String release, boolean running) {
        Map<Digest, InstallRecord> known = installed.get();
        List<InstalledModule> modules = new ArrayList<>();
        for (String directory : OUT_OF_TREE) {
            Path at = root.at("/lib/modules/" + release + "/" + directory);
            if (!Files.isDirectory(at)) {
                continue;
            }
            try (Stream<Path> files = Files.walk(at, 6)) {
                files.filter(file -> isModule(file.getFileName().toString()))
                        .filter(Files::isRegularFile)
                        .sorted()
                        .limit(MOST_MODULES)
                        .forEach(file -> module(release, file, known, running).ifPresent(modules::add));
            } catch (IOException | java.io.UncheckedIOException e) {
                // Went away while we looked.
            }
        }
        return modules;
    }

    /** Not what is just being written or was set aside. */
    private static boolean isModule(String fileName) {
        return !fileName.startsWith(".")
                && Stream.of(Compression.values()).anyMatch(compression -> fileName.endsWith(compression.suffix()));
    }

    private Optional<InstalledModule> module(
            String release, Path file, Map<Digest, InstallRecord> known, boolean running) {
        try {
            return seen.get(file, HostInspector::look).map(module -> {
                Optional<InstallRecord> record = Optional.ofNullable(known.get(module.body()));
                return new InstalledModule(
                        module.name(),
                        record.map(InstallRecord::version).or(module::version),
                        root.nameOf(file),
                        module.body(),
                        Optional.of(module.vermagic()),
                        module.srcversion(),
                        changedAt(file),
                        record.map(found -> found.target().image()),
                        running && isLoaded(module),
                        initramfs.has(release, module.name()),
                        Optional.empty());
            });
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Seen> look(Path file) throws IOException {
        if (Files.size(file) > Compression.MAX_BYTES) {
            return Optional.empty();
        }
        try {
            ModuleFile module = ModuleFile.read(Files.readAllBytes(file));
            return Optional.of(new Seen(
                    Grammar.module(module.info().name()),
                    module.info().version(),
                    module.body(),
                    module.info().vermagic(),
                    module.info().srcversion()));
        } catch (NotAModule | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** By the source version that the running kernel shows: the name alone may be another module's. */
    private boolean isLoaded(Seen module) {
        Path shown = root.at("/sys/module/" + module.name() + "/srcversion");
        try {
            return module.srcversion()
                    .equals(Optional.of(Files.readString(shown).strip()));
        } catch (IOException e) {
            return false;
        }
    }

    private SymbolMap symbolMap(String release) {
        for (String place : List.of(
                "/lib/modules/" + release + "/System.map",
                "/boot/System.map-" + release,
                "/usr/lib/debug/boot/System.map-" + release)) {
            Path file = root.at(place);
            if (Files.isRegularFile(file)) {
                try {
                    return symbolMaps.get(file, HostInspector::worthOf);
                } catch (IOException | java.io.UncheckedIOException e) {
                    return SymbolMap.MISSING;
                }
            }
        }
        return SymbolMap.MISSING;
    }

    /** A map with {@code __per_cpu_start} and nothing else builds a module that kills the kernel. */
    private static SymbolMap worthOf(Path file) throws IOException {
        boolean perCpu = false;
        boolean text = false;
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            for (String line = reader.readLine(); line != null && !(perCpu && text); line = reader.readLine()) {
                perCpu |= line.endsWith(" __per_cpu_start");
                text |= line.endsWith(" T _stext") || line.endsWith(" T _text");
            }
        }
        return perCpu && text ? SymbolMap.USABLE : SymbolMap.STUB;
    }

    /**
     * Whether this very image runs: an image exchanged under the running kernel keeps the release, and only the version string
     * tells. What it proves when a module loads, it would prove for the other image.
     */
    private boolean isRunning(String release, Optional<String> version) {
        if (!root.isRunningSystem()) {
            return false;
        }
        try {
            String runs =
                    Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
            String asVersion =
                    Files.readString(Path.of("/proc/sys/kernel/version")).strip();
            return runs.equals(release)
                    && version.map(text -> text.endsWith(asVersion)).orElse(true);
        } catch (IOException e) {
            return false;
        }
    }

    /** The note {@code GNU}, type 3, of the running kernel (elf(5), Nhdr). */
    private static Optional<String> buildId() {
        try {
            ByteBuffer notes = ByteBuffer.wrap(Files.readAllBytes(Path.of("/sys/kernel/notes")))
                    .order(ByteOrder.nativeOrder());
            while (notes.remaining() >= 12) {
                int nameSize = notes.getInt();
                int size = notes.getInt();
                int type = notes.getInt();
                byte[] name = new byte[nameSize];
                notes.get(name);
                notes.position((notes.position() + 3) & ~3);
                byte[] content = new byte[size];
                notes.get(content);
                notes.position(Math.min(notes.limit(), (notes.position() + 3) & ~3));
                if (type == 3 && new String(name, StandardCharsets.US_ASCII).equals("GNU\0")) {
                    return Optional.of(HexFormat.of().formatHex(content));
                }
            }
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
        return Optional.empty();
    }

    private static Optional<String> version(Path image) {
        try (InputStream in = Files.newInputStream(image)) {
            return KernelImageFile.version(in.readNBytes(KernelImageFile.HEADER));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** By dpkg's list of the package's files; else by the kernel's change time, for the times in a package are its maker's. */
    private Optional<Instant> installedAt(Path file, String... packageNames) {
        if (Files.notExists(file)) {
            return Optional.empty();
        }
        for (String name : packageNames) {
            Optional<Instant> listed = changedAt(root.at("/var/lib/dpkg/info/" + name + ".list"));
            if (listed.isPresent()) {
                return listed;
            }
        }
        try {
            return Optional.of(((FileTime) Files.getAttribute(file, "unix:ctime")).toInstant());
        } catch (IOException | UnsupportedOperationException e) {
            return changedAt(file);
        }
    }

    private static Optional<Instant> changedAt(Path file) {
        try {
            return Optional.of(Files.getLastModifiedTime(file).toInstant());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private String hostname() {
        try {
            String place = root.isRunningSystem() ? "/proc/sys/kernel/hostname" : "/etc/hostname";
            return line(Files.readString(root.at(place)).strip());
        } catch (IOException e) {
            return "unnamed";
        }
    }

    /** Of another root: what its own programs are made for. */
    private String arch() {
        Map<String, String> jvmNames = Map.of("amd64", "x86_64");
        String own = System.getProperty("os.arch");
        if (!root.isRunningSystem()) {
            try (InputStream in = Files.newInputStream(root.at("/bin/sh"))) {
                byte[] header = in.readNBytes(20);
                int machine = ByteBuffer.wrap(header)
                                .order(header[5] == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN)
                                .getShort(18)
                        & 0xffff;
                return Map.of(62, "x86_64", 183, "aarch64", 243, "riscv64", 21, "ppc64le", 22, "s390x")
                        .getOrDefault(machine, jvmNames.getOrDefault(own, own));
            } catch (IOException | RuntimeException e) {
                return jvmNames.getOrDefault(own, own);
            }
        }
        return jvmNames.getOrDefault(own, own);
    }

    /** os-release(5): assignments, values perhaps in quotes. */
    private Map<String, String> osRelease() {
        Map<String, String> values = new HashMap<>();
        for (String place : List.of("/etc/os-release", "/usr/lib/os-release")) {
            try {
                for (String line : Files.readAllLines(root.at(place))) {
                    int equals = line.indexOf('=');
                    if (equals > 0 && !line.startsWith("#")) {
                        String value = line.substring(equals + 1).strip();
                        values.put(line.substring(0, equals), value.replaceAll("^[\"']|[\"']$", ""));
                    }
                }
                return values;
            } catch (IOException e) {
                // The next place.
            }
        }
        return values;
    }

    private static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    private static String line(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.length() > 200 ? printable.substring(0, 200) : printable;
    }
}
