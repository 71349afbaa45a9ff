package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;

/** Gzip-compressed tar: written so that equal members give equal bytes, read with a bound before the parser sees anything. */
final class TarGz {

    private static final int MODE_FILE = 0644;
    private static final int MODE_PROGRAM = 0755;

    /** Headers, long names and padding: far more than any real archive has between two files. */
    private static final int MAX_BETWEEN_FILES = 1024 * 1024;

    private static final int ALWAYS_TAKEN = 4 * 1024 * 1024;

    /** Of sources and modules it is 3 to 20; gzip itself ends at 1,032. */
    private static final int MOST_RATIO = 200;

    /** A kernel's own source has a bit more. */
    private static final int MOST_FILES = 65_535;

    private TarGz() {}

    record Member(String name, byte[] bytes, boolean program) {}

    static byte[] write(List<Member> members) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar =
                new TarArchiveOutputStream(new GzipCompressorOutputStream(out, new GzipParameters()))) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (Member member : members) {
                TarArchiveEntry entry = new TarArchiveEntry(member.name(), true);
                entry.setSize(member.bytes().length);
                entry.setMode(member.program() ? MODE_PROGRAM : MODE_FILE);
                entry.setModTime(0L);
                entry.setIds(0, 0);
                entry.setNames("root", "root");
                tar.putArchiveEntry(entry);
                tar.write(member.bytes());
                tar.closeArchiveEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Expected to write an archive in memory", e);
        }
        return out.toByteArray();
    }

    /**
     * All regular files, in their order; directories are passed over. Takes as much memory as the files have bytes, whatever the
     * archive claims about them.
     *
     * @param maxBytes most bytes of the uncompressed tar
     */
    static List<Member> read(byte[] archive, int maxBytes) throws Refusal {
        List<Member> members = new ArrayList<>();
        ByteArrayInputStream compressed = new ByteArrayInputStream(archive);
        int most = (int) Math.min(maxBytes, Math.max(ALWAYS_TAKEN, (long) archive.length * MOST_RATIO));
        try (Bounded bounded = new Bounded(new GzipCompressorInputStream(compressed, false), most);
                TarArchiveInputStream tar = new TarArchiveInputStream(bounded, "UTF-8")) {
            for (TarArchiveEntry entry = next(tar, bounded); entry != null; entry = next(tar, bounded)) {
                if (entry.isDirectory()) {
                    continue;
                }
                // isFile() is true for links and devices as well.
                if (entry.getLinkFlag() != TarConstants.LF_NORMAL && entry.getLinkFlag() != TarConstants.LF_OLDNORM) {
                    throw new Refusal(
                            Rule.WRONG_MEMBERS,
                            "Expected regular files only, but '" + entry.getName() + "' is of tar type '"
                                    + (char) entry.getLinkFlag() + "'");
                }
                if (entry.isSparse()) {
                    throw new Refusal(
                            Rule.WRONG_MEMBERS,
                            "Expected whole files only, but '" + entry.getName() + "' is a sparse one");
                }
                if (members.size() == MOST_FILES) {
                    throw new Refusal(Rule.TOO_LARGE, "Expected at most " + MOST_FILES + " files, but there are more");
                }
                members.add(new Member(entry.getName(), bytesOf(tar, bounded, entry), (entry.getMode() & 0100) != 0));
            }
            checkNothingFollows(bounded, compressed);
        } catch (TooLarge e) {
            throw new Refusal(Rule.TOO_LARGE, e.getMessage());
        } catch (EOFException | ZipException e) {
            String why = e.getMessage() == null ? "it ends too early" : e.getMessage();
            throw new Refusal(Rule.NOT_AN_ARCHIVE, "Expected a whole .tar.gz, but " + why);
        } catch (IOException | RuntimeException e) {
            throw new Refusal(Rule.NOT_AN_ARCHIVE, "Expected a .tar.gz, but " + e.getMessage());
        }
        return List.copyOf(members);
    }

    private static TarArchiveEntry next(TarArchiveInputStream tar, Bounded bounded) throws IOException {
        bounded.expect(MAX_BETWEEN_FILES, "between two files");
        return tar.getNextEntry();
    }

    private static byte[] bytesOf(TarArchiveInputStream tar, Bounded bounded, TarArchiveEntry entry)
            throws IOException {
        bounded.expectFile(entry.getSize());
        byte[] bytes = new byte[(int) entry.getSize()];
        if (tar.readNBytes(bytes, 0, bytes.length) < bytes.length) {
            throw new EOFException("it ends inside '" + entry.getName() + "'");
        }
        return bytes;
    }

    /** Read to its end, so that its checksum is compared; what hides behind the end would belong to no list of members. */
    private static void checkNothingFollows(Bounded tar, ByteArrayInputStream compressed) throws IOException {
        while (tar.skip(8192) > 0) {
            // Padding.
        }
        if (tar.sawMoreThanZeros()) {
            throw new IOException("there are bytes behind the end of the tar");
        }
        if (compressed.available() > 0) {
            throw new IOException("there are bytes behind the end of the gzip data");
        }
    }

    /**
     * A bound on what the parser is given: on the whole, and on what comes between two files. Headers can carry names of any
     * length (GNU 'L' and 'K', pax 'x' and 'g'), and the parser keeps a name in memory while it reads it.
     */
    private static final class Bounded extends FilterInputStream {

        private final int most;
        private long left;
        private long expected;
        private String where;
        private boolean moreThanZeros;

        Bounded(InputStream in, int most) {
            super(in);
            this.most = most;
            this.left = most;
        }

        /** What comes next has at most so many bytes. */
        void expect(long bytes, String where) {
            this.expected = bytes;
            this.where = where;
            this.moreThanZeros = false;
        }

        /** A file of that size comes next. Whether there is room for it is known before any memory is taken. */
        void expectFile(long size) throws TooLarge {
            if (size < 0 || size > left) {
                throw new TooLarge(most, "in the whole");
            }
            expect(size, "in a file");
        }

        /** Whether any byte since {@link #expect} was another. */
        boolean sawMoreThanZeros() {
            return moreThanZeros;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = super.read(bytes, offset, length);
            for (int i = offset; !moreThanZeros && i < offset + count; i++) {
                moreThanZeros = bytes[i] != 0;
            }
            count(Math.max(0, count));
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

        private void count(long bytes) throws TooLarge {
            left -= bytes;
            expected -= bytes;
            if (left < 0) {
                throw new TooLarge(most, "in the whole");
            }
            if (expected < 0) {
                throw new TooLarge(MAX_BETWEEN_FILES, where);
            }
        }
    }

    private static final class TooLarge extends IOException {
        TooLarge(long most, String where) {
            super("Expected at most " + most + " bytes uncompressed " + where + ", but there are more");
        }
    }
}
