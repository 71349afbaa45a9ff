package io.kmodfleet.contracts;

import java.util.Collections;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What binds modules to kernels besides the image: on the side of a kernel what it offers, on the side of a module what it
 * was built against.
 *
 * @param flags vermagic without its first word, as the kernel compares it where symbols have CRCs ({@code same_magic} in
 *     kernel/module/version.c)
 * @param moduleSize bytes of {@code struct module}: the size of {@code .gnu.linkonce.this_module}
 * @param crcs exported or imported symbols and the CRCs of their interfaces, eight hexadecimal digits each
 */
public record KernelInterface(String flags, int moduleSize, SortedMap<String, String> crcs) {

    public KernelInterface {
        Objects.requireNonNull(flags, "flags");
        crcs = Collections.unmodifiableSortedMap(new TreeMap<>(crcs));
    }

    /** Whether a kernel that offers this takes a module that needs {@code module}: every symbol, with that very CRC. */
    public boolean offersAllOf(KernelInterface module) {
        return flags.equals(module.flags)
                && moduleSize == module.moduleSize
                && !module.crcs.isEmpty()
                && module.crcs.entrySet().stream()
                        .allMatch(symbol -> symbol.getValue().equals(crcs.get(symbol.getKey())));
    }
}
