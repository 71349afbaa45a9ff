package io.kmodfleet.store.blob;

import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Blobs as files, two levels of directories deep. What is kept comes from the same file system, on disk already. */
final class DirectoryBlobs implements BlobStore {

    private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}");

    private final Path root;

    private DirectoryBlobs(Path root) {
        this.root = root;
    }

    /** Makes the directory where there is none; files that lie flat in it, as stores once kept them, move to their places. */
    static DirectoryBlobs open(Path root) throws IOException {
        createPrivate(root);
        DirectoryBlobs blobs = new DirectoryBlobs(root);
        List<Path> flat;
        try (Stream<Path> entries = Files.list(root)) {
            flat = entries.filter(
                            file -> NAME.matcher(file.getFileName().toString()).matches()
                                    && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        }
        for (Path file : flat) {
            blobs.place(new Digest(file.getFileName().toString()), file);
        }
        return blobs;
    }

    static void createPrivate(Path directory) throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    @Override
    public void keep(Digest digest, Path file) throws IOException {
        place(digest, file);
    }

    private void place(Digest digest, Path file) throws IOException {
        Path place = placeOf(digest);
        try {
            Files.createDirectories(place.getParent());
        } catch (FileAlreadyExistsException e) {
            throw new IOException("Expected the directory " + place.getParent() + ", but it is a file", e);
        }
        Files.move(file, place, StandardCopyOption.ATOMIC_MOVE);
        // A rename is on disk when its directory is, and that one when its own is.
        flush(place.getParent());
        flush(place.getParent().getParent());
        flush(root);
    }

    @Override
    public Optional<Blob> find(Digest digest) throws IOException {
        Path place = placeOf(digest);
        return Files.isRegularFile(place) ? Optional.of(new StoredFile(place, Files.size(place))) : Optional.empty();
    }

    private record StoredFile(Path place, long size) implements Blob {

        @Override
        public Optional<Path> file() {
            return Optional.of(place);
        }

        @Override
        public InputStream read(long first, long length) throws IOException {
            SeekableByteChannel channel = Files.newByteChannel(place, StandardOpenOption.READ);
            channel.position(first);
            return new FirstBytes(Channels.newInputStream(channel), length);
        }
    }

    @Override
    public void remove(Digest digest) throws IOException {
        Path place = placeOf(digest);
        if (Files.deleteIfExists(place)) {
            flush(place.getParent());
        }
    }

    @Override
    public List<Digest> list(int part, Instant before) throws IOException {
        Path directory = root.resolve(HexFormat.of().toHexDigits((byte) part));
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        FileTime then = FileTime.from(before);
        try (Stream<Path> files = Files.find(
                directory,
                2,
                (file, attributes) -> attributes.isRegularFile()
                        && attributes.lastModifiedTime().compareTo(then) < 0
                        && NAME.matcher(file.getFileName().toString()).matches())) {
            return files.map(file -> new Digest(file.getFileName().toString()))
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    @Override
    public void probe() throws IOException {
        Files.delete(Files.createTempFile(root, "", ".probe"));
    }

    private Path placeOf(Digest digest) {
        String hex = digest.hex();
        return root.resolve(hex.substring(0, 2)).resolve(hex.substring(2, 4)).resolve(hex);
    }

    private static void flush(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
