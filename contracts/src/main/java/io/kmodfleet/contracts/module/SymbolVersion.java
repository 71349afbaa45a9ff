package io.kmodfleet.contracts.module;

import java.util.Objects;

/** A symbol that a module imports and the CRC of its interface. */
public record SymbolVersion(String name, int crc) {

    public SymbolVersion {
        Objects.requireNonNull(name, "name");
    }

    /** Eight hexadecimal digits, as in {@code Module.symvers} behind its {@code 0x}. */
    public String hex() {
        return hex(crc);
    }

    static String hex(int crc) {
        String digits = Integer.toHexString(crc);
        return "0".repeat(8 - digits.length()) + digits;
    }
}
