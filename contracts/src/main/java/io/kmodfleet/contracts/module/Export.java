package io.kmodfleet.contracts.module;

import java.util.Objects;
import java.util.Optional;

/**
 * A symbol that a module offers to others ({@code EXPORT_SYMBOL}).
 *
 * @param gplOnly whether only modules under a licence of the GPL's kind get it
 * @param crc of its interface, as in {@code Module.symvers}; absent where the kernel has no modversions
 */
public record Export(String name, boolean gplOnly, Optional<Integer> crc) {

    public Export {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(crc, "crc");
    }

    /** Eight hexadecimal digits. */
    public Optional<String> hex() {
        return crc.map(SymbolVersion::hex);
    }
}
