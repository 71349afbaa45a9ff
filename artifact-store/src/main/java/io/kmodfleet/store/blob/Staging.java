package io.kmodfleet.store.blob;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.quarkus.runtime.Startup;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * Where uploads lie until they are taken. Each running store has a directory of its own, locked as long as it lives; what those
 * left behind that were killed is swept away at the next start.
 */
@Startup
@ApplicationScoped
public class Staging {

    private static final int BUFFER = 64 * 1024;
    private static final String LOCK = "lock";

    private final Path all;
    private Path own;
    private FileChannel lock;

    Staging(StoreConfig config) {
        this.all = config.directory().resolve("incoming");
    }

    /** A file that has come and has not been taken yet. */
    public record Upload(Path file, Digest digest, long size) {}

    /** More bytes came than were allowed. */
    public static final class TooLarge extends IOException {
        TooLarge(long most) {
            super("Expected at most " + most + " bytes, but more came");
        }
    }

    /** The sender went away before it had sent everything. */
    public static final class BrokenOff extends IOException {
        BrokenOff(long size, IOException cause) {
            super("Expected the whole upload, but the connection ended after " + size + " bytes", cause);
        }
    }

    @PostConstruct
    void open() {
        try {
            DirectoryBlobs.createPrivate(all);
            sweep();
            own = Files.createTempDirectory(all, "");
            lock = FileChannel.open(own.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            if (lock.tryLock() == null) {
                throw new IOException("somebody else locked " + own);
            }
        } catch (IOException e) {
            throw new IllegalStateException(
                    "Expected to write to " + all.getParent() + " (KMODFLEET_STORE_DIRECTORY), but " + e, e);
        }
    }

    @PreDestroy
    void close() throws IOException {
        lock.close();
    }

    /** Reads a stream to its end into a file of its own, which is on disk then. */
    public Upload receive(InputStream in, long most) throws IOException {
        Path file = Files.createTempFile(own, "", ".part");
        MessageDigest hash = Digest.sha256();
        long size = 0;
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
            byte[] buffer = new byte[BUFFER];
            for (int count = next(in, buffer, size); count >= 0; count = next(in, buffer, size)) {
                size += count;
                if (size > most) {
                    throw new TooLarge(most);
                }
                hash.update(buffer, 0, count);
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
            }
            out.force(true);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(file);
            throw e;
        }
        return new Upload(file, Digest.of(hash), size);
    }

    public void discard(Upload upload) throws IOException {
        Files.deleteIfExists(upload.file());
    }

    /** Fails where nothing can be written. */
    void probe() throws IOException {
        Files.delete(Files.createTempFile(own, "", ".probe"));
    }

    private static int next(InputStream in, byte[] buffer, long before) throws BrokenOff {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new BrokenOff(before, e);
        }
    }

    private void sweep() throws IOException {
        try (Stream<Path> entries = Files.list(all)) {
            for (Path entry : entries.toList()) {
                if (!Files.isDirectory(entry) || !isLocked(entry.resolve(LOCK))) {
                    deleteAll(entry);
                }
            }
        }
    }

    private static boolean isLocked(Path lock) throws IOException {
        if (Files.notExists(lock)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
            return channel.tryLock() == null;
        } catch (OverlappingFileLockException e) {
            // By this process.
            return true;
        }
    }

    private static void deleteAll(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
