package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
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
     * All regular files, in their order; directories are passed over.
     *
     * @param maxBytes most bytes of the uncompressed tar
     */
    static List<Member> read(byte[] archive, int maxBytes) throws Refusal {
        List<Member> members = new ArrayList<>();
        try (InputStream gzip = new GzipCompressorInputStream(new ByteArrayInputStream(archive), false);
                TarArchiveInputStream tar = new TarArchiveInputStream(bounded(gzip, maxBytes), "UTF-8")) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
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
                if (entry.getSize() > maxBytes) {
                    throw tooLarge(maxBytes);
                }
                byte[] bytes = tar.readNBytes((int) entry.getSize());
                if (bytes.length < entry.getSize()) {
                    throw new EOFException("it ends inside '" + entry.getName() + "'");
                }
                members.add(new Member(entry.getName(), bytes, (entry.getMode() & 0100) != 0));
            }
            gzip.readNBytes(maxBytes);
        } catch (TooLarge e) {
            throw tooLarge(maxBytes);
        } catch (EOFException | ZipException e) {
            throw new Refusal(Rule.NOT_AN_ARCHIVE, "Expected a whole .tar.gz, but " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            throw new Refusal(Rule.NOT_AN_ARCHIVE, "Expected a .tar.gz, but " + e.getMessage());
        }
        return List.copyOf(members);
    }

    private static Refusal tooLarge(int maxBytes) {
        return new Refusal(Rule.TOO_LARGE, "Expected at most " + maxBytes + " bytes uncompressed, but there are more");
    }

    private static InputStream bounded(InputStream in, int maxBytes) {
        return new java.io.FilterInputStream(in) {
            private long left = maxBytes;

            @Override
            public int read() throws IOException {
                int value = super.read();
                count(value < 0 ? 0 : 1);
                return value;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                int count = super.read(bytes, offset, length);
                count(Math.max(0, count));
                return count;
            }

            @Override
            public long skip(long count) throws IOException {
                long skipped = super.skip(count);
                count(skipped);
                return skipped;
            }

            @Override
            public boolean markSupported() {
                return false;
            }

            private void count(long bytes) throws IOException {
                left -= bytes;
                if (left < 0) {
                    throw new TooLarge();
                }
            }
        };
    }

    private static final class TooLarge extends IOException {
        TooLarge() {
            super("more bytes than allowed");
        }
    }
}
