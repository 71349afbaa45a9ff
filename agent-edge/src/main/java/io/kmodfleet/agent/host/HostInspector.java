package io.kmodfleet.agent.host;

import io.kmodfleet.agent.host.SecureBootState.Enrolled;
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
import io.kmodfleet.contracts.module.ModuleSigner;
import io.kmodfleet.contracts.module.NotAModule;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
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
    private final NextBoot nextBoot;
    private final PackageDatabase packages;
    private final LoadedModules loaded;
    private final RootQuestions questions;
    private final RunningSymbols runningSymbols;
    private final ReadOnce<Set<String>> preferred = new ReadOnce<>();

    /** What a report says of a module file whoever installed it. */
    private record Seen(
            String name,
            Optional<String> version,
            Digest body,
            String vermagic,
            Optional<String> srcversion,
            Optional<String> buildId,
            Optional<ModuleSigner> signer) {}

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
        this.questions = new RootQuestions(root);
        this.runningSymbols = new RunningSymbols(root, questions);
        this.compilers = new Compilers(root, questions);
        this.initramfs = new Initramfs(root, questions);
        this.secureBoot = new SecureBootState(root, questions);
        this.nextBoot = new NextBoot(root);
        this.packages = new PackageDatabase(root, questions);
        this.loaded = new LoadedModules(root);
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
        PackageManager manager = manager(os, release);
        String arch = arch();
        Optional<Enrolled> enrolled = secureBoot.look();
        Optional<String> next = nextBoot.release();
        List<KernelState> kernels = new ArrayList<>();
        for (String kernel : releases()) {
            kernels.add(kernel(arch, kernel, manager, enrolled, next));
        }
        digests.remember();
        symbolMaps.forgetVanished();
        seen.forgetVanished();
        initramfs.forgetVanished();
        preferred.forgetVanished();
        packages.forgetVanished();
        return new HostReport(
                hostname(),
                os,
                arch,
                observeOnly,
                checks(os, manager),
                kernels,
                labels,
                compilers.ofHost(),
                enrolled.map(Enrolled::state));
    }

    /** What installs packages on that host. */
    public PackageManager packageManager(HostReport report) {
        return manager(report.os(), osRelease());
    }

    private static PackageManager manager(OperatingSystem os, Map<String, String> release) {
        return PackageManager.of(os, List.of(release.getOrDefault("ID_LIKE", "").split(" ")));
    }

    /**
     * What the admin is shown beyond the report.
     *
     * @param report what was just found
     * @param names of modules that count here, beside those that are installed
     */
    public HostDetail detail(HostReport report, Set<String> names) {
        Map<String, String> signers = new TreeMap<>();
        seen.known().values().forEach(known -> known.content()
                .flatMap(Seen::signer)
                .ifPresent(signer -> signer.name().ifPresent(name -> signers.put(signer.keyId(), name))));
        Map<String, List<KernelPackage>> ofKernels = new TreeMap<>();
        report.kernels().forEach(kernel -> {
            String release = kernel.identity().release();
            List<KernelPackage> found = packages.of(release);
            if (!found.isEmpty()) {
                ofKernels.put(release, found);
            }
        });
        return new HostDetail(
                lockdown(),
                loadedOf(report, names),
                new DkmsTree(root).entries(),
                ofKernels,
                signers,
                new BlockDevices(root).look());
    }

    /**
     * Where dkms itself says otherwise than its files do, in words. Starts dkms, so nobody asks at every look.
     *
     * @throws IOException where it did not come to its end
     */
    public List<String> dkmsDifferences() throws IOException {
        Optional<String> output = questions.ask("dkms", "status");
        if (output.isEmpty()) {
            // Only root may go into another root.
            boolean couldAsk = isRoot() && root.program("dkms").isPresent();
            return couldAsk ? List.of("dkms status fails") : List.of();
        }
        DkmsStatus status = DkmsStatus.read(output.get());
        List<String> words = new ArrayList<>(status.differencesFrom(new DkmsTree(root).entries()));
        if (!status.notUnderstood().isEmpty()) {
            words.add("dkms status says what is not understood ("
                    + status.notUnderstood().size() + " lines, the first: "
                    + status.notUnderstood().get(0) + ")");
        }
        return words;
    }

    private List<HostDetail.Loaded> loadedOf(HostReport report, Set<String> names) {
        Set<String> all = new TreeSet<>(names);
        Map<String, String> files = new HashMap<>();
        for (KernelState kernel : report.kernels()) {
            for (InstalledModule module : kernel.modules()) {
                all.add(module.name());
                if (module.loaded()) {
                    files.put(module.name(), module.file());
                }
            }
        }
        return all.stream()
                .filter(loaded::isLoaded)
                .map(name -> new HostDetail.Loaded(name, Optional.ofNullable(files.get(name)), loaded.users(name)))
                .toList();
    }

    /** {@code none [integrity] confidentiality}: the one in brackets holds (kernel_lockdown(7)). */
    private Optional<String> lockdown() {
        try {
            String text = Files.readString(root.at("/sys/kernel/security/lockdown"));
            int from = text.indexOf('[');
            int to = text.indexOf(']', from + 1);
            return from < 0 || to < 0 ? Optional.empty() : Optional.of(line(text.substring(from + 1, to)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private List<Check> checks(OperatingSystem os, PackageManager manager) {
        return List.of(
                check(Piece.ROOT, isRoot(), "runs as root", "does not run as root", "sudo kmodfleet-agent"),
                program(Piece.DKMS, manager.installDkms(os), "dkms"),
                program(Piece.COMPILER, manager.install("gcc"), "gcc", "cc"),
                program(Piece.MAKE, manager.install("make"), "make"),
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

    private KernelState kernel(
            String arch, String release, PackageManager manager, Optional<Enrolled> enrolled, Optional<String> next) {
        KernelFiles files = new KernelFiles(root, release);
        Path image = files.image();
        Optional<String> version = version(image);
        boolean running = isRunning(release, version);
        KernelIdentity identity = new KernelIdentity(
                arch,
                release,
                version,
                digests.of(image),
                digests.of(files.config()),
                running ? LoadedModules.buildIdIn(root.at("/sys/kernel/notes")) : Optional.empty());
        Path headers = files.headers();
        boolean hasHeaders =
                Files.isRegularFile(headers.resolve("Makefile")) && Files.exists(headers.resolve("Module.symvers"));
        Check check = check(
                Piece.HEADERS,
                hasHeaders,
                root.nameOf(headers),
                "headers of " + release + " are not installed",
                manager.headersFor(release));
        List<KernelPackage> installed = packages.of(release);
        return new KernelState(
                identity,
                running,
                running && runningSymbols.serveFor(identity) ? SymbolMap.USABLE : symbolMap(files),
                files.initramfs().isPresent(),
                installedAt(image, installed, KernelPackage.Kind.IMAGE),
                hasHeaders
                        ? installedAt(headers.resolve("Makefile"), installed, KernelPackage.Kind.HEADERS)
                        : Optional.empty(),
                List.of(check),
                modules(release, running, enrolled),
                next.map(release::equals),
                compilers.ofKernel(files.config()));
    }

    private Set<String> releases() {
        Set<String> releases = new TreeSet<>();
        KernelFiles.names(root).forEach(name -> addRelease(releases, name));
        return releases;
    }

    private static void addRelease(Set<String> releases, String release) {
        try {
            releases.add(Grammar.release(release));
        } catch (IllegalArgumentException e) {
            // vmlinuz-lts.old and the like name no kernel of ours.
        }
    }

    private List<InstalledModule> modules(String release, boolean running, Optional<Enrolled> enrolled) {
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
                        .forEach(file ->
                                module(release, file, known, running, enrolled).ifPresent(modules::add));
            } catch (IOException | java.io.UncheckedIOException e) {
                // Went away while we looked.
            }
        }
        return oneLoadedOfEachName(release, modules);
    }

    /** Of files that are the same, the kernel took the one that {@code modules.dep} names. */
    private List<InstalledModule> oneLoadedOfEachName(String release, List<InstalledModule> modules) {
        Map<String, Long> loadedByName = modules.stream()
                .filter(InstalledModule::loaded)
                .collect(Collectors.groupingBy(InstalledModule::name, Collectors.counting()));
        if (loadedByName.values().stream().allMatch(count -> count == 1)) {
            return modules;
        }
        Path directory = root.at("/lib/modules/" + release);
        Set<String> named;
        try {
            named = preferred.get(directory.resolve("modules.dep"), HostInspector::outOfTreeFilesIn);
        } catch (IOException e) {
            return modules;
        }
        return modules.stream()
                .map(module -> {
                    boolean taken = named.contains(
                            directory.relativize(root.at(module.file())).toString());
                    return module.loaded() && loadedByName.get(module.name()) > 1 && !taken
                            ? notLoaded(module)
                            : module;
                })
                .toList();
    }

    private static Set<String> outOfTreeFilesIn(Path dependencies) throws IOException {
        try (Stream<String> lines = Files.lines(dependencies, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> OUT_OF_TREE.stream().anyMatch(name -> line.startsWith(name + "/")))
                    .map(line -> line.substring(0, Math.max(0, line.indexOf(':'))))
                    .collect(Collectors.toSet());
        } catch (java.io.UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static InstalledModule notLoaded(InstalledModule module) {
        return new InstalledModule(
                module.name(),
                module.version(),
                module.file(),
                module.body(),
                module.vermagic(),
                module.srcversion(),
                module.changedAt(),
                module.image(),
                false,
                module.inInitramfs(),
                module.signer());
    }

    /** Not what is just being written or was set aside. */
    private static boolean isModule(String fileName) {
        return !fileName.startsWith(".")
                && Stream.of(Compression.values()).anyMatch(compression -> fileName.endsWith(compression.suffix()));
    }

    private Optional<InstalledModule> module(
            String release, Path file, Map<Digest, InstallRecord> known, boolean running, Optional<Enrolled> enrolled) {
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
                        running && loaded.isFrom(module.name(), module.srcversion(), module.buildId()),
                        initramfs.has(release, module.name()),
                        module.signer().map(ModuleSigner::keyId).map(id -> enrolled.map(keys -> keys.idOf(id))
                                .orElse(id)));
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
                    module.info().srcversion(),
                    module.buildId(),
                    module.signer()));
        } catch (NotAModule | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private SymbolMap symbolMap(KernelFiles files) {
        try {
            Optional<Path> map = files.symbolMap();
            return map.isPresent() ? symbolMaps.get(map.get(), HostInspector::worthOf) : SymbolMap.MISSING;
        } catch (IOException | java.io.UncheckedIOException e) {
            return SymbolMap.MISSING;
        }
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
        try {
            String runs =
                    Files.readString(root.at("/proc/sys/kernel/osrelease")).strip();
            String asVersion =
                    Files.readString(root.at("/proc/sys/kernel/version")).strip();
            return runs.equals(release)
                    && version.map(text -> text.endsWith(asVersion)).orElse(true);
        } catch (IOException e) {
            return false;
        }
    }

    private static Optional<String> version(Path image) {
        try (InputStream in = Files.newInputStream(image)) {
            return KernelImageFile.version(in.readNBytes(KernelImageFile.HEADER));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** By the package database; else by the kernel's change time, for the times in a package are its maker's. */
    private static Optional<Instant> installedAt(Path file, List<KernelPackage> installed, KernelPackage.Kind kind) {
        if (Files.notExists(file)) {
            return Optional.empty();
        }
        Optional<Instant> listed = installed.stream()
                .filter(entry -> entry.kind() == kind)
                .map(KernelPackage::installedAt)
                .findFirst();
        if (listed.isPresent()) {
            return listed;
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
