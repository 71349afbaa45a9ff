package io.kmodfleet.agent.store;

import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * Packages and sources that this host had before, by digest, so that an order can be carried out while the store is away. Bounded:
 * what was not used for longest goes first, and what the host's kernels need goes last. What it gives was hashed just then.
 */
public final class FileCache {

    private static final Logger LOG = Logger.getLogger(FileCache.class);

    private final Path directory;
    private final long most;
    private final Supplier<Set<Digest>> needed;
    private final Clock clock;

    /**
     * @param most bytes that it may take
     * @param needed what the modules of installed kernels came in; never dropped for another file
     */
    public FileCache(Path directory, long most, Supplier<Set<Digest>> needed, Clock clock) {
        this.directory = directory;
        this.most = most;
        this.needed = needed;
        this.clock = clock;
    }

    /** Absent where it is not there, or its bytes are not those any more: then it is gone too. */
    Optional<byte[]> get(Digest digest) {
        Path file = fileOf(digest);
        try {
            byte[] bytes = Files.readAllBytes(file);
            if (!Digest.of(bytes).equals(digest)) {
                LOG.warnf("cached file is damaged, dropped file=%s", file);
                Files.delete(file);
                return Optional.empty();
            }
            Files.setLastModifiedTime(file, FileTime.from(clock.instant()));
            return Optional.of(bytes);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            LOG.debugf("cached file not read file=%s error=%s", file, e);
            return Optional.empty();
        }
    }

    /** That something cannot be kept is nobody's failure. */
    void put(Digest digest, byte[] bytes) {
        try {
            Files.createDirectories(directory);
            makeRoom(bytes.length);
            if (size() + bytes.length > most) {
                LOG.debugf("not kept, for what is needed takes the room digest=%s", digest);
                return;
            }
            Path file = fileOf(digest);
            Durable.write(file, bytes, false);
            Files.setLastModifiedTime(file, FileTime.from(clock.instant()));
        } catch (IOException e) {
            LOG.warnf("not kept in the cache digest=%s error=%s", digest, e);
        }
    }

    private void makeRoom(long bytes) throws IOException {
        Set<String> keep = needed.get().stream().map(Digest::hex).collect(java.util.stream.Collectors.toSet());
        long taken = size();
        for (Path file : oldestFirst()) {
            if (taken + bytes <= most) {
                return;
            }
            // What was being written when the power went is nobody's.
            if (!keep.contains(file.getFileName().toString())) {
                taken -= Files.size(file);
                Files.delete(file);
            }
        }
    }

    private long size() throws IOException {
        long size = 0;
        for (Path file : oldestFirst()) {
            size += Files.size(file);
        }
        return size;
    }

    private List<Path> oldestFirst() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(FileCache::usedAt).thenComparing(Comparator.naturalOrder()))
                    .toList();
        }
    }

    private static FileTime usedAt(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            return FileTime.fromMillis(0);
        }
    }

    private Path fileOf(Digest digest) {
        return directory.resolve(digest.hex());
    }
}
