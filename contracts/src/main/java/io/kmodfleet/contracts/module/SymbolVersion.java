package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A symbol that a module imports and the CRC of its interface ({@code __versions}, 64 bytes a record). */
public record SymbolVersion(String name, int crc) {

    private static final int RECORD = 64;

    /** Eight hexadecimal digits, as in {@code Module.symvers} behind its {@code 0x}. */
    public String hex() {
        return String.format("%08x", crc);
    }

    static List<SymbolVersion> parseAll(Elf elf) throws NotAModule {
        Optional<ByteBuffer> section = elf.atMostOne("__versions");
        if (section.isEmpty()) {
            return List.of();
        }
        ByteBuffer bytes = section.get();
        Elf.require(
                bytes.limit() % RECORD == 0, "__versions in records of 64 bytes", "it has " + bytes.limit() + " bytes");
        List<SymbolVersion> versions = new ArrayList<>();
        for (int at = 0; at < bytes.limit(); at += RECORD) {
            ByteBuffer name = bytes.slice(at + Long.BYTES, RECORD - Long.BYTES);
            versions.add(new SymbolVersion(Elf.textAt(name, 0), (int) bytes.getLong(at)));
        }
        return List.copyOf(versions);
    }
}
