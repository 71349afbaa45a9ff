package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The dkms of one host. It has no lock of its own, so every use of it here holds the host's lock. */
public final class Dkms {

    private static final Duration BUILD = Duration.ofMinutes(30);
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
        T run() throws IOException;
    }

    public <T> T locked(Locked<T> work) throws IOException {
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            return work.run();
        }
    }

    /** First line of what a program says of its version. */
    String versionOf(String program) throws IOException {
        return programs.run(QUESTION, List.of(program, "--version"))
                .output()
                .lines()
                .findFirst()
                .orElse("unknown")
                .replaceAll("\\p{Cntrl}", "?");
    }

    /** Puts the source where dkms wants it, whole, and makes it known to dkms. */
    public Outcome add(SourcePackage source) throws IOException {
        String name = source.conf().name();
        String version = source.conf().version();
        Path place = root.at("/usr/src").resolve(name + "-" + version);
        Path fresh = place.resolveSibling("." + place.getFileName() + ".new");
        Path old = place.resolveSibling("." + place.getFileName() + ".old");
        delete(fresh);
        delete(old);
        for (SourceFile file : source.files()) {
            Path at = fresh.resolve(file.path());
            Files.createDirectories(at.getParent());
            Files.write(at, file.bytes());
            Files.setPosixFilePermissions(
                    at, PosixFilePermissions.fromString(file.program() ? "rwxr-xr-x" : "rw-r--r--"));
        }
        if (Files.exists(place)) {
            Files.move(place, old, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE);
        delete(old);
        if (Files.exists(tree(name, version).resolve("source"))) {
            return new Outcome(0, "already added");
        }
        return programs.run(STEP, List.of("dkms", "add", "-m", name, "-v", version));
    }

    Outcome build(String module, String version, BuildTarget target) throws IOException {
        List<String> line = new ArrayList<>();
        // A build is in nobody's way.
        root.program("nice").ifPresent(nice -> line.addAll(List.of("nice", "-n", "10")));
        line.addAll(List.of("dkms", "build", "--force", "-m", module, "-v", version, "-k", target.release()));
        line.addAll(List.of("-a", target.arch()));
        return programs.run(BUILD, line);
    }

    public Outcome install(String module, String version, BuildTarget target) throws IOException {
        return programs.run(
                STEP,
                List.of(
                        "dkms",
                        "install",
                        "--force",
                        "-m",
                        module,
                        "-v",
                        version,
                        "-k",
                        target.release(),
                        "-a",
                        target.arch()));
    }

    /** The module files that dkms has built. */
    public List<Path> built(String module, String version, BuildTarget target) throws IOException {
        Path directory = entry(module, version, target).resolve("module");
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().contains(".ko"))
                    .sorted()
                    .toList();
        }
    }

    /** Makes dkms's own entry of a build from module files that were verified: as if it had built them itself. */
    public void enter(String module, String version, BuildTarget target, List<String> names, List<byte[]> files)
            throws IOException {
        Path entry = entry(module, version, target);
        Path fresh = entry.resolveSibling("." + target.arch() + ".new");
        delete(fresh);
        Files.createDirectories(fresh.resolve("module"));
        Files.createDirectories(fresh.resolve("log"));
        for (int i = 0; i < names.size(); i++) {
            Path file = fresh.resolve("module").resolve(names.get(i));
            try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                out.write(java.nio.ByteBuffer.wrap(files.get(i)));
                out.force(true);
            }
        }
        delete(entry);
        Files.move(fresh, entry, StandardCopyOption.ATOMIC_MOVE);
    }

    /** The compiler's words about a build, wherever dkms left them. */
    Optional<String> makeLog(String module, String version, BuildTarget target) {
        List<Path> places = List.of(
                entry(module, version, target).resolve("log/make.log"),
                tree(module, version).resolve("build/make.log"));
        for (Path place : places) {
            try {
                return Optional.of(new String(Files.readAllBytes(place), java.nio.charset.StandardCharsets.UTF_8));
            } catch (IOException e) {
                // The next place.
            }
        }
        return Optional.empty();
    }

    private Path tree(String module, String version) {
        return root.at("/var/lib/dkms").resolve(module).resolve(version);
    }

    private Path entry(String module, String version, BuildTarget target) {
        return tree(module, version).resolve(target.release()).resolve(target.arch());
    }

    private static void delete(Path directory) throws IOException {
        if (Files.notExists(directory, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
