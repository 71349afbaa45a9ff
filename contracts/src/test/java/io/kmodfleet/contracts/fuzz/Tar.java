package io.kmodfleet.contracts.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** Takes from a fuzzer what it cannot guess: checksums of tar and of gzip. */
public final class Tar {

    private static final int BLOCK = 512;
    private static final int CHECKSUM = 148;
    private static final int CHECKSUM_LENGTH = 8;

    private Tar() {}

    public static byte[] of(Map<String, byte[]> members) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out, BLOCK)) {
            for (Map.Entry<String, byte[]> member : members.entrySet()) {
                TarArchiveEntry entry = new TarArchiveEntry(member.getKey(), true);
                entry.setSize(member.getValue().length);
                tar.putArchiveEntry(entry);
                tar.write(member.getValue());
                tar.closeArchiveEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** What is compressed already stays as it is. */
    static byte[] zipped(byte[] bytes) {
        if (isZipped(bytes)) {
            return bytes;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out) {
            {
                def.setLevel(Deflater.BEST_SPEED);
            }
        }) {
            gzip.write(withChecksums(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    static boolean isNone(byte[] bytes) {
        return !isZipped(bytes) && (bytes.length < BLOCK || bytes[0] == '{');
    }

    private static boolean isZipped(byte[] bytes) {
        return bytes.length > 1 && bytes[0] == 0x1f && bytes[1] == (byte) 0x8b;
    }

    /** Each header with the right one, as far as sizes tell where the next header is. */
    public static byte[] withChecksums(byte[] tar) {
        byte[] mended = tar.clone();
        long at = 0;
        while (at + BLOCK <= mended.length) {
            mend(mended, (int) at);
            at += BLOCK + (sizeAt(mended, (int) at + 124) + BLOCK - 1) / BLOCK * BLOCK;
        }
        return mended;
    }

    private static void mend(byte[] tar, int at) {
        boolean end = true;
        for (int i = at; end && i < at + BLOCK; i++) {
            end = tar[i] == 0;
        }
        if (end) {
            return;
        }
        Arrays.fill(tar, at + CHECKSUM, at + CHECKSUM + CHECKSUM_LENGTH, (byte) ' ');
        int sum = 0;
        for (int i = at; i < at + BLOCK; i++) {
            sum += tar[i] & 0xff;
        }
        byte[] digits = "%06o\0".formatted(sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(digits, 0, tar, at + CHECKSUM, digits.length);
    }

    private static long sizeAt(byte[] tar, int at) {
        long size = 0;
        for (int i = at; i < at + 11 && tar[i] >= '0' && tar[i] <= '7'; i++) {
            size = size * 8 + tar[i] - '0';
        }
        return size;
    }
}
