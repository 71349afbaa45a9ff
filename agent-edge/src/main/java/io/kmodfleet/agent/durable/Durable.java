package io.kmodfleet.agent.durable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/** Writes beside the place, has the disk take it, renames, has the disk take the name. */
public final class Durable {

    private Durable() {}

    /** Replaces one file. A file that is being written is called {@code .<name>.new}. */
    public static void write(Path place, byte[] bytes, boolean program) throws IOException {
        Path fresh = place.resolveSibling("." + place.getFileName() + ".new");
        fill(fresh, bytes, program);
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        sync(place.getParent());
    }

    /** Writes a file that nobody reads yet; where that fails it is not there. */
    public static void fill(Path fresh, byte[] bytes, boolean program) throws IOException {
        Files.deleteIfExists(fresh);
        try (FileChannel out = FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                out.write(buffer);
            }
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
            out.force(true);
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
    }

    /** Has the disk take a file, or the names in a directory. */
    public static void sync(Path place) throws IOException {
        try (FileChannel channel = FileChannel.open(place, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Has the disk take what programs wrote into a directory: the files whose names hold that text, and the names. */
    public static void syncFiles(Path directory, String named) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(Files::isRegularFile)
                    .filter(file -> file.getFileName().toString().contains(named))
                    .toList()) {
                sync(file);
            }
        }
        sync(directory);
    }

    /** Has the disk take every directory of a tree whose files it has. */
    public static void syncDirectories(Path tree) throws IOException {
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException failure) throws IOException {
                sync(directory);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** A file, a link (never what it leads to), or a directory with everything in it. */
    public static void delete(Path place) throws IOException {
        if (Files.notExists(place, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
