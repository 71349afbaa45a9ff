package io.kmodfleet.store.blob;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.quarkus.runtime.Startup;
import jakarta.annotation.PostConstruct;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Content-addressed files. A file is written beside its place, flushed to disk and renamed, so that whoever finds it finds all of
 * it; killed in between, what is left is swept away at the next start.
 */
@Startup
@ApplicationScoped
public class BlobStore {

    private static final int BUFFER = 64 * 1024;
    private static final int MOST_REFUSED = 100;

    private final Path incoming;
    private final Path blobs;
    private final Path refused;
    private final long quarantineBytes;

    BlobStore(StoreConfig config) {
        this.incoming = config.directory().resolve("incoming");
        this.blobs = config.directory().resolve("blobs");
        this.refused = config.directory().resolve("refused");
        this.quarantineBytes = config.quarantineBytes();
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
            for (Path directory : List.of(incoming, blobs, refused)) {
                Files.createDirectories(
                        directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            try (Stream<Path> leftovers = Files.list(incoming)) {
                for (Path leftover : leftovers.toList()) {
                    Files.delete(leftover);
                }
            }
            probe();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "Expected to write to " + incoming.getParent() + " (KMODFLEET_STORE_DIRECTORY), but " + e, e);
        }
    }

    /** Fails where nothing can be written. */
    void probe() throws IOException {
        Files.delete(Files.createTempFile(incoming, "", ".probe"));
    }

    /** Reads a stream to its end into a file of its own. */
    public Upload receive(InputStream in, long most) throws IOException {
        Path file = Files.createTempFile(incoming, "", ".part");
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

    private static int next(InputStream in, byte[] buffer, long before) throws BrokenOff {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new BrokenOff(before, e);
        }
    }

    /** Puts it in its place, for good. Where the same bytes lie there already, this mends what the disk may have done to them. */
    public void keep(Upload upload) throws IOException {
        Path place = placeOf(upload.digest());
        Files.createDirectories(place.getParent());
        Files.move(upload.file(), place, StandardCopyOption.ATOMIC_MOVE);
        flush(place.getParent());
        flush(place.getParent().getParent());
    }

    public void discard(Upload upload) throws IOException {
        Files.deleteIfExists(upload.file());
    }

    /** Keeps it aside for a while; it is never served. The oldest make room. */
    public synchronized void quarantine(Upload upload) throws IOException {
        Files.move(
                upload.file(),
                refused.resolve(upload.digest().hex()),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        List<Path> newestFirst = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(refused)) {
            files.forEach(newestFirst::add);
        }
        newestFirst.sort(Comparator.comparing(BlobStore::changedAt).reversed());
        long bytes = 0;
        for (int i = 0; i < newestFirst.size(); i++) {
            bytes += Files.size(newestFirst.get(i));
            if (i >= MOST_REFUSED || bytes > quarantineBytes) {
                Files.delete(newestFirst.get(i));
            }
        }
    }

    /** The file of that digest, where there is one. */
    public Optional<Path> find(Digest digest) {
        Path place = placeOf(digest);
        return Files.isRegularFile(place) ? Optional.of(place) : Optional.empty();
    }

    public byte[] read(Digest digest) throws IOException {
        byte[] bytes = Files.readAllBytes(find(digest).orElseThrow(() -> new NoSuchFileException(digest.toString())));
        if (!Digest.of(bytes).equals(digest)) {
            throw new IOException("Expected the bytes of " + digest + ", but the disk gives others");
        }
        return bytes;
    }

    private Path placeOf(Digest digest) {
        String hex = digest.hex();
        return blobs.resolve(hex.substring(0, 2)).resolve(hex.substring(2, 4)).resolve(hex);
    }

    /** A rename is on disk when the directory is. */
    private static void flush(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static FileTime changedAt(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            return FileTime.fromMillis(0);
        }
    }
}
