package io.kmodfleet.contracts.module;

import io.airlift.compress.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/** How a {@code .ko} lies on disk. Told by its first bytes, not by its name. */
public enum Compression {
    NONE(".ko", ""),
    GZIP(".ko.gz", "1f8b"),
    XZ(".ko.xz", "fd377a585a00"),
    ZSTD(".ko.zst", "28b52ffd");

    /** Largest module read, uncompressed, in bytes. */
    public static final int MAX_BYTES = 64 * 1024 * 1024;

    private static final int XZ_MEMORY_KIB = 64 * 1024;

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

    /** The uncompressed bytes, or the reason why there are none: damaged, or more than {@link #MAX_BYTES}. */
    public static byte[] expand(byte[] file) throws NotAModule {
        Compression compression = of(file);
        if (compression == NONE) {
            return checkSize(file);
        }
        try (InputStream in = compression.open(file)) {
            return checkSize(in.readNBytes(MAX_BYTES + 1));
        } catch (IOException | RuntimeException e) {
            throw new NotAModule("Expected whole " + compression + " data, but " + e.getMessage());
        }
    }

    private InputStream open(byte[] file) throws IOException {
        InputStream in = new ByteArrayInputStream(file);
        return switch (this) {
            case NONE -> in;
            case GZIP -> new GZIPInputStream(in);
            case XZ -> new XZInputStream(in, XZ_MEMORY_KIB);
            case ZSTD -> new ZstdInputStream(in);
        };
    }

    private boolean begins(byte[] file) {
        return file.length >= magic.length && java.util.Arrays.equals(file, 0, magic.length, magic, 0, magic.length);
    }

    private static byte[] checkSize(byte[] bytes) throws NotAModule {
        if (bytes.length > MAX_BYTES) {
            throw new NotAModule("Expected a module of at most " + MAX_BYTES + " bytes uncompressed, but it is larger");
        }
        return bytes;
    }
}
