package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Conditions;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** The dkms of one host. It has no lock of its own, so every use of it here holds the host's lock. */
public final class Dkms {

    private static final Duration STEP = Duration.ofMinutes(5);
    private static final Duration QUESTION = Duration.ofSeconds(20);

    private final HostRoot root;
    private final HostPrograms programs;
    private final Path lockFile;

    public Dkms(HostRoot root, HostPrograms programs, Path state) {
        this.root = root;
        this.programs = programs;
        this.lockFile = state.resolve("dkms.lock");
    }

    public boolean isThere() {
        return root.program("dkms").isPresent();
    }

    /** Work that no other agent process on this host interrupts. */
    public interface Locked<T> {
        T run() throws IOException, InterruptedException;
    }

    public <T> T locked(Locked<T> work) throws IOException, InterruptedException {
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            return work.run();
        }
    }

    /** First line of what the first of these programs that is there says of its version. */
    String versionOf(String... names) throws IOException, InterruptedException {
        for (String name : names) {
            if (root.program(name).isPresent()) {
                return programs.run(QUESTION, List.of(name, "--version"))
                        .output()
                        .lines()
                        .findFirst()
                        .orElse("unknown")
                        .replaceAll("\\p{Cntrl}", "?");
            }
        }
        return "unknown";
    }

    /** Puts the source where dkms wants it, whole, and makes it known to dkms. */
    public Outcome add(SourcePackage source, Path log) throws IOException, InterruptedException {
        String name = source.conf().name();
        String version = source.conf().version();
        Path place = root.at("/usr/src").resolve(name + "-" + version);
        if (!holds(place, source)) {
            put(source, place);
        }
        Path known = tree(name, version).resolve("source");
        if (Files.exists(known)) {
            return new Outcome(0, "already added");
        }
        Outcome outcome = programs.run(STEP, log, List.of("dkms", "add", "-m", name, "-v", version));
        // Some releases answer 3, others 8, where it is known already; 8 also means that there is no source.
        return Files.exists(known) ? new Outcome(0, outcome.output()) : outcome;
    }

    /** Makes a source known to dkms in a scratch tree. */
    Outcome addIn(ScratchTree scratch, SourcePackage source, Conditions conditions, Path log)
            throws IOException, InterruptedException {
        return programs.run(conditions, log, in(scratch, "add", source));
    }

    /** Has dkms build in a scratch tree: the host's own entries are neither read nor changed. */
    Outcome buildIn(
            ScratchTree scratch, SourcePackage source, String release, String arch, Conditions conditions, Path log)
            throws IOException, InterruptedException {
        List<String> line = in(scratch, "build", source);
        line.addAll(List.of("-k", release, "-a", arch));
        return programs.run(conditions, log, line);
    }

    private static List<String> in(ScratchTree scratch, String action, SourcePackage source) {
        return new ArrayList<>(List.of(
                "dkms",
                action,
                "--dkmstree",
                ScratchTree.DKMS,
                "--sourcetree",
                ScratchTree.SOURCES,
                "-m",
                source.conf().name(),
                "-v",
                source.conf().version()));
    }

    /** Whether dkms finds a key here to sign with, in the places that it looks at. */
    boolean hasSigningKey() {
        return Stream.of("/var/lib/dkms/mok.key", "/var/lib/shim-signed/mok/MOK.priv")
                        .anyMatch(key -> Files.exists(root.at(key)))
                || frameworkConfs().anyMatch(Dkms::namesKey);
    }

    private Stream<Path> frameworkConfs() {
        List<Path> confs = new ArrayList<>(List.of(root.at("/etc/dkms/framework.conf")));
        try (Stream<Path> files = Files.list(root.at("/etc/dkms/framework.conf.d"))) {
            files.forEach(confs::add);
        } catch (IOException e) {
            // Older releases have no such directory.
        }
        return confs.stream();
    }

    private static boolean namesKey(Path conf) {
        try {
            return Files.readAllLines(conf, StandardCharsets.ISO_8859_1).stream()
                    .anyMatch(line -> line.matches("\\s*mok_signing_key\\s*=.+"));
        } catch (IOException e) {
            return false;
        }
    }

    public Outcome install(String module, String version, BuildTarget target) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of("dkms", "install", "--force"));
        line.addAll(about(module, version, target));
        return programs.run(STEP, line);
    }

    private static List<String> about(String module, String version, BuildTarget target) {
        return List.of("-m", module, "-v", version, "-k", target.release(), "-a", target.arch());
    }

    private static boolean holds(Path place, SourcePackage source) throws IOException {
        for (SourceFile file : source.files()) {
            Path at = place.resolve(file.path());
            boolean same = Files.isRegularFile(at, LinkOption.NOFOLLOW_LINKS)
                    && Files.isExecutable(at) == file.program()
                    && Arrays.equals(Files.readAllBytes(at), file.bytes());
            if (!same) {
                return false;
            }
        }
        try (Stream<Path> files = Files.walk(place)) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                            .count()
                    == source.files().size();
        }
    }

    /** A tree that is there already, another package's perhaps, is replaced as a whole. */
    private static void put(SourcePackage source, Path place) throws IOException {
        Path fresh = place.resolveSibling("." + place.getFileName() + ".new");
        Path old = place.resolveSibling("." + place.getFileName() + ".old");
        Trees.delete(fresh);
        Trees.delete(old);
        for (SourceFile file : source.files()) {
            Path at = fresh.resolve(file.path());
            Files.createDirectories(at.getParent());
            Files.write(at, file.bytes());
            Files.setPosixFilePermissions(
                    at, PosixFilePermissions.fromString(file.program() ? "rwxr-xr-x" : "rw-r--r--"));
        }
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(place, old, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE);
        Trees.delete(old);
    }

    /** The module files that dkms has built. */
    public List<Path> built(String module, String version, BuildTarget target) throws IOException {
        return moduleFilesIn(entry(module, version, target).resolve("module"));
    }

    static List<Path> moduleFilesIn(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> !file.getFileName().toString().startsWith("."))
                    .filter(file -> file.getFileName().toString().contains(".ko"))
                    .sorted()
                    .toList();
        }
    }

    /** Makes dkms's own entry of a build from module files that were verified: as if it had built them itself. */
    public void enter(String module, String version, BuildTarget target, List<String> names, List<byte[]> files)
            throws IOException {
        Path entry = entry(module, version, target);
        Path fresh = entry.resolveSibling("." + target.arch() + ".new");
        Trees.delete(fresh);
        Files.createDirectories(fresh.resolve("module"));
        Files.createDirectories(fresh.resolve("log"));
        for (int i = 0; i < names.size(); i++) {
            Path file = fresh.resolve("module").resolve(names.get(i));
            try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(files.get(i));
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                out.force(true);
            }
        }
        Trees.delete(entry);
        Files.move(fresh, entry, StandardCopyOption.ATOMIC_MOVE);
    }

    private Path tree(String module, String version) {
        return root.at("/var/lib/dkms").resolve(module).resolve(version);
    }

    private Path entry(String module, String version, BuildTarget target) {
        return tree(module, version).resolve(target.release()).resolve(target.arch());
    }
}
