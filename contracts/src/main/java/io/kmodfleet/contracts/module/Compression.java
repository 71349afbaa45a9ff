package io.kmodfleet.contracts.module;

import io.airlift.compress.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.tukaani.xz.SingleXZInputStream;

/** How a {@code .ko} lies on disk. Told by its first bytes, not by its name. */
public enum Compression {
    NONE(".ko", ""),
    GZIP(".ko.gz", "1f8b"),
    XZ(".ko.xz", "fd377a585a00"),
    ZSTD(".ko.zst", "28b52ffd");

    /** Largest module read, uncompressed, in bytes. */
    public static final int MAX_BYTES = 64 * 1024 * 1024;

    /** Enough for {@code xz -7}; kernels and dkms use dictionaries of 1 or 2 MiB. */
    private static final int XZ_MEMORY_KIB = 20 * 1024;

    private static final int ALWAYS_TAKEN = 4 * 1024 * 1024;

    /** Of modules it is 3 to 20. */
    private static final int MOST_RATIO = 200;

    private final String suffix;
    private final byte[] magic;

    Compression(String suffix, String magic) {
        this.suffix = suffix;
        this.magic = java.util.HexFormat.of().parseHex(magic);
    }

    public String suffix() {
        return suffix;
    }

    public static Compression of(byte[] file) {
        for (Compression compression : new Compression[] {GZIP, XZ, ZSTD}) {
            if (compression.begins(file)) {
                return compression;
            }
        }
        return NONE;
    }

    /**
     * The uncompressed bytes, or the reason why there are none: damaged, more than {@link #MAX_BYTES}, or far more than so few
     * bytes of any module unfold to.
     */
    public static byte[] expand(byte[] file) throws NotAModule {
        Compression compression = of(file);
        if (compression == NONE) {
            return checkSize(file, MAX_BYTES);
        }
        int most = (int) Math.min(MAX_BYTES, Math.max(ALWAYS_TAKEN, (long) file.length * MOST_RATIO));
        if (compression == ZSTD) {
            ZstdFrame.check(file, most);
        }
        ByteArrayInputStream compressed = new ByteArrayInputStream(file);
        try (InputStream in = compression.open(compressed)) {
            byte[] expanded = checkSize(in.readNBytes(most + 1), most);
            Elf.require(compressed.available() == 0, "one piece of " + compression + " data", "bytes follow it");
            return expanded;
        } catch (IOException | RuntimeException e) {
            String why = e.getMessage() == null ? "it ends too early" : e.getMessage();
            throw new NotAModule("Expected whole " + compression + " data, but " + why);
        }
    }

    /** Only what stands first: what follows it is read by one tool and not by the next. */
    private InputStream open(InputStream in) throws IOException {
        return switch (this) {
            case NONE -> in;
            case GZIP -> new GzipCompressorInputStream(in, false);
            case XZ -> new SingleXZInputStream(in, XZ_MEMORY_KIB);
            case ZSTD -> new ZstdInputStream(in);
        };
    }

    private boolean begins(byte[] file) {
        return file.length >= magic.length && java.util.Arrays.equals(file, 0, magic.length, magic, 0, magic.length);
    }

    private static byte[] checkSize(byte[] bytes, int most) throws NotAModule {
        Elf.require(bytes.length <= most, "a module of at most " + most + " bytes uncompressed", "it is larger");
        return bytes;
    }
}
