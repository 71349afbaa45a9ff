package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The trees that dkms works in for one build: the host's own are not touched. They lie at one path on every host, because a path
 * gets into a module, and equal inputs must give equal bytes. Gone when the build has ended, whatever came of it.
 */
final class ScratchTree implements AutoCloseable {

    /** As the host names it. */
    static final String PLACE = "/var/lib/kmodfleet/build";

    static final String SOURCES = PLACE + "/src";
    static final String DKMS = PLACE + "/dkms";
    private static final String KEPT = PLACE + "/kept";

    /** Of every file of a source, and what a build is told the time is. */
    static final Instant TIME = Instant.parse("2000-01-01T00:00:00Z");

    private static final String KEEPER = ".kmodfleet-keep";

    /** dkms deletes what a build generated. This runs before; the operator's own POST_BUILD is its argument, and runs first. */
    private static final String KEEP = """
            #!/bin/sh
            set -e
            [ $# -eq 0 ] || ./"$@"
            mkdir -p %s
            find . -type f -name '*.h' -exec cp --parents -t %s {} +
            """.formatted(KEPT, KEPT);

    private static final String ADDED = "\nPOST_BUILD=\"" + KEEPER + " $POST_BUILD\"\n";

    private final HostRoot root;
    private final SourcePackage source;
    private final FileChannel lock;

    private ScratchTree(HostRoot root, SourcePackage source, FileChannel lock) {
        this.root = root;
        this.source = source;
        this.lock = lock;
    }

    /** Lays out the source as dkms wants it, over whatever an ended build left. */
    static ScratchTree of(HostRoot root, SourcePackage source) throws IOException {
        FileChannel lock = locked(root)
                .orElseThrow(() -> new IOException("Expected to be the only build on this host,"
                        + " but another one runs in " + PLACE + ". Wait for its end"));
        try {
            ScratchTree tree = new ScratchTree(root, source, lock);
            Durable.delete(root.at(PLACE));
            Files.createDirectory(
                    root.at(PLACE), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Files.createDirectories(root.at(DKMS));
            tree.layOut();
            return tree;
        } catch (IOException e) {
            lock.close();
            throw e;
        }
    }

    /** What a build that was killed left; nothing while one runs. */
    static Optional<Path> leftover(HostRoot root) throws IOException {
        Path place = root.at(PLACE);
        if (Files.notExists(place, LinkOption.NOFOLLOW_LINKS)) {
            return Optional.empty();
        }
        Optional<FileChannel> lock = locked(root);
        if (lock.isEmpty()) {
            return Optional.empty();
        }
        lock.get().close();
        return Optional.of(place);
    }

    static void clear(HostRoot root) throws IOException {
        Optional<FileChannel> lock = locked(root);
        if (lock.isPresent()) {
            try (FileChannel held = lock.get()) {
                Durable.delete(root.at(PLACE));
            }
        }
    }

    private static Optional<FileChannel> locked(HostRoot root) throws IOException {
        Path file = root.at(PLACE + ".lock");
        Files.createDirectories(file.getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return Optional.of(channel);
            }
        } catch (OverlappingFileLockException e) {
            // In this very process.
        }
        channel.close();
        return Optional.empty();
    }

    private void layOut() throws IOException {
        Path place = root.at(SOURCES).resolve(name());
        for (SourceFile file : source.files()) {
            byte[] bytes = file.path().equals("dkms.conf") ? withKeeper(file.bytes()) : file.bytes();
            write(place.resolve(file.path()), bytes, file.program());
        }
        write(place.resolve(KEEPER), KEEP.getBytes(StandardCharsets.UTF_8), true);
    }

    private static byte[] withKeeper(byte[] conf) {
        byte[] added = ADDED.getBytes(StandardCharsets.UTF_8);
        byte[] both = Arrays.copyOf(conf, conf.length + added.length);
        System.arraycopy(added, 0, both, conf.length, added.length);
        return both;
    }

    private static void write(Path at, byte[] bytes, boolean program) throws IOException {
        Files.createDirectories(at.getParent());
        Files.write(at, bytes);
        Files.setPosixFilePermissions(at, PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
        Files.setLastModifiedTime(at, FileTime.from(TIME));
    }

    /** A directory of its own in the scratch place, as the host names it. */
    String directory(String name) {
        return PLACE + "/" + name;
    }

    /** Where the compiler works, as the host names it. */
    String buildDirectory() {
        return DKMS + "/" + source.conf().name() + "/" + source.conf().version() + "/build";
    }

    /** What paths in the module begin with instead: where a debugger finds the source on hosts that have it. */
    String nameInModule() {
        return "/usr/src/" + name();
    }

    private String name() {
        return source.conf().name() + "-" + source.conf().version();
    }

    List<Path> built(String release, String arch) throws IOException {
        Path directory = root.at(DKMS)
                .resolve(source.conf().name())
                .resolve(source.conf().version())
                .resolve(release)
                .resolve(arch)
                .resolve("module");
        return Dkms.moduleFilesIn(directory);
    }

    /** Where the compiler's words are, while it works and after. */
    List<Path> makeLogs(String release, String arch) {
        Path tree = root.at(DKMS)
                .resolve(source.conf().name())
                .resolve(source.conf().version());
        return List.of(
                tree.resolve("build/make.log"),
                tree.resolve(release).resolve(arch).resolve("log/make.log"));
    }

    /**
     * The headers that the build wrote itself or changed.
     *
     * @return empty where none were kept: an override in {@code /etc/dkms} took our place
     */
    Optional<List<String>> generatedHeaders() throws IOException {
        Path kept = root.at(KEPT);
        if (!Files.isDirectory(kept)) {
            return Optional.empty();
        }
        Map<String, byte[]> brought = new HashMap<>();
        source.files().forEach(file -> brought.put(file.path(), file.bytes()));
        List<String> generated = new ArrayList<>();
        try (Stream<Path> files = Files.walk(kept)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                byte[] bytes = Files.readAllBytes(file);
                if (!Arrays.equals(bytes, brought.get(kept.relativize(file).toString()))) {
                    generated.add(new String(bytes, StandardCharsets.ISO_8859_1));
                }
            }
        }
        return Optional.of(generated);
    }

    @Override
    public void close() throws IOException {
        try (lock) {
            Durable.delete(root.at(PLACE));
        }
    }
}
