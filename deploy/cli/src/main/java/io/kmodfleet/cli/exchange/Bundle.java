package io.kmodfleet.cli.exchange;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * Files of a store in one file, for a fleet that no network reaches: a tar whose first member is {@code index.json}, followed by
 * exactly the files that the index names, in its order. The digest of the index therefore stands for every byte of the bundle.
 */
public final class Bundle {

    static final int FORMAT = 1;
    private static final String INDEX = "index.json";
    private static final int MOST_INDEX_BYTES = 64 * 1024 * 1024;

    /** Larger than any file that a store takes. */
    private static final int MOST_FILE_BYTES = ModulePackage.MAX_BYTES;

    /** Headers and padding between two files; the parser keeps a name of any length that a header gives it. */
    private static final int MOST_BETWEEN_FILES = 64 * 1024;

    private Bundle() {}

    /** What a store keeps; sources come first, for a package is taken only where its source is known. */
    public enum Kind {
        SOURCE("sources"),
        LOG("logs"),
        PACKAGE("packages");

        private final String collection;

        Kind(String collection) {
            this.collection = collection;
        }

        /** As the store's API calls them. */
        public String collection() {
            return collection;
        }
    }

    /** @param name for people; the digest tells what it is */
    public record Entry(Kind kind, Digest digest, long size, String name) {
        public Entry {
            Objects.requireNonNull(kind, "kind");
            Objects.requireNonNull(digest, "digest");
            Objects.requireNonNull(name, "name");
        }

        String member() {
            return kind.collection + "/" + digest.hex();
        }
    }

    public record Index(int format, List<Entry> files) {
        public Index {
            files = List.copyOf(files);
        }

        /** The same files give the same index. */
        public static Index of(List<Entry> files) {
            return new Index(
                    FORMAT,
                    files.stream()
                            .sorted(java.util.Comparator.comparing(Entry::kind)
                                    .thenComparing(entry -> entry.digest().hex()))
                            .distinct()
                            .toList());
        }

        public Digest digest() {
            return Digest.of(FleetJson.writeBytes(this));
        }
    }

    /** Gives the bytes of a file. */
    public interface Source {
        byte[] bytesOf(Entry entry) throws IOException;
    }

    /** Is given each file, once its bytes were found to be those that the index names. */
    public interface Sink {
        void take(Entry entry, byte[] bytes) throws IOException;
    }

    /** What is no bundle, or not a whole one; the sentence says where. */
    public static final class Damaged extends IOException {
        Damaged(String sentence) {
            super(sentence);
        }
    }

    public static void write(Index index, Source source, OutputStream out) throws IOException {
        TarArchiveOutputStream tar = new TarArchiveOutputStream(out);
        put(tar, INDEX, FleetJson.writeBytes(index));
        for (Entry entry : index.files()) {
            byte[] bytes = source.bytesOf(entry);
            requireEqual(entry, bytes);
            put(tar, entry.member(), bytes);
        }
        tar.finish();
        tar.flush();
    }

    /** The index alone, for whoever wants to compare it first. */
    public static Index readIndex(InputStream in) throws IOException {
        return indexOf(new Reading(in));
    }

    /** Every file of the bundle, in the order of its index. Takes as much memory as the largest file. */
    public static Index read(InputStream in, Sink sink) throws IOException {
        Reading tar = new Reading(in);
        Index index = indexOf(tar);
        Set<String> seen = new TreeSet<>();
        for (Entry entry : index.files()) {
            if (entry.size() < 0 || entry.size() > MOST_FILE_BYTES) {
                throw new Damaged("Expected files of at most " + MOST_FILE_BYTES + " bytes, but the index says that "
                        + entry.member() + " has " + entry.size());
            }
            if (!seen.add(entry.member())) {
                throw new Damaged("Expected every file once, but the index names " + entry.member() + " twice");
            }
            byte[] bytes = member(tar, entry.member(), (int) entry.size());
            requireEqual(entry, bytes);
            sink.take(entry, bytes);
        }
        if (tar.next() != null) {
            throw new Damaged("Expected nothing behind the files that the index names, but there is more");
        }
        return index;
    }

    private static Index indexOf(Reading tar) throws IOException {
        Index index = parsed(member(tar, INDEX, MOST_INDEX_BYTES));
        if (index == null) {
            throw new Damaged("Expected an index of a bundle, but it is null");
        }
        if (index.format() != FORMAT) {
            throw new Damaged("Expected a bundle of format " + FORMAT + ", but it is of format " + index.format()
                    + ". Use a kmodfleet that is as new as the one that wrote it");
        }
        return index;
    }

    private static Index parsed(byte[] json) throws Damaged {
        try {
            return FleetJson.mapper().readValue(json, Index.class);
        } catch (JsonProcessingException e) {
            throw new Damaged("Expected an index of a bundle, but " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new Damaged("Expected an index of a bundle, but " + e.getMessage());
        }
    }

    private static byte[] member(Reading tar, String name, int most) throws IOException {
        TarArchiveEntry entry = tar.next();
        if (entry == null) {
            throw new Damaged("Expected " + name + ", but the bundle ends before it: it was cut off");
        }
        if (!entry.getName().equals(name) || entry.getLinkFlag() != TarConstants.LF_NORMAL) {
            throw new Damaged("Expected " + name + " next, but there is '"
                    + entry.getName().replaceAll("\\p{Cntrl}", "?") + "'");
        }
        if (entry.getSize() < 0 || entry.getSize() > most) {
            throw new Damaged(
                    "Expected " + name + " to have at most " + most + " bytes, but it has " + entry.getSize());
        }
        byte[] bytes = new byte[0];
        try {
            bytes = tar.bytesOf(entry);
        } catch (IOException e) {
            // The tar says so itself where it knows.
        }
        if (bytes.length < entry.getSize()) {
            throw new Damaged("Expected all of " + name + ", but the bundle ends inside it: it was cut off");
        }
        return bytes;
    }

    private static void requireEqual(Entry entry, byte[] bytes) throws Damaged {
        Digest found = Digest.of(bytes);
        if (bytes.length != entry.size() || !found.equals(entry.digest())) {
            throw new Damaged("Expected " + entry.size() + " bytes of " + entry.digest() + " (" + entry.name()
                    + "), but there are " + bytes.length + " of " + found);
        }
    }

    private static void put(TarArchiveOutputStream tar, String name, byte[] bytes) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, true);
        entry.setSize(bytes.length);
        entry.setModTime(0L);
        entry.setIds(0, 0);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    /** A tar that is read no further than the next file, and of what lies before it only so much. */
    private static final class Reading {

        private final Bounded bounded;
        private final TarArchiveInputStream tar;

        Reading(InputStream in) {
            bounded = new Bounded(in);
            tar = new TarArchiveInputStream(bounded);
        }

        TarArchiveEntry next() throws IOException {
            bounded.left = MOST_BETWEEN_FILES;
            try {
                return tar.getNextEntry();
            } catch (IOException | IllegalArgumentException e) {
                throw new Damaged("Expected a bundle that 'kmodfleet export bundle' wrote, but " + e.getMessage());
            }
        }

        byte[] bytesOf(TarArchiveEntry entry) throws IOException {
            bounded.left = entry.getSize();
            return tar.readNBytes((int) entry.getSize());
        }
    }

    private static final class Bounded extends FilterInputStream {

        private long left;

        Bounded(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = super.read(bytes, offset, length);
            left -= Math.max(0, count);
            if (left < 0) {
                throw new IOException("there are more than " + MOST_BETWEEN_FILES + " bytes between two files");
            }
            return count;
        }

        @Override
        public long skip(long count) throws IOException {
            byte[] skipped = new byte[(int) Math.min(count, 8192)];
            return Math.max(0, read(skipped, 0, skipped.length));
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }
}
