package io.kmodfleet.contracts.module;

import io.kmodfleet.contracts.module.Symvers.Offer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a module needs of a kernel, beside what the kernel offers. Every list is sorted by symbol.
 *
 * @param missing symbols that nobody offers
 * @param differing symbols with another interface
 * @param unversioned symbols that the kernel offers with a CRC and the module asks for without one
 * @param namespaces that the symbols it needs are in, and that it does not import
 * @param gplOnly symbols that its licence keeps from it
 */
public record SymbolFit(
        List<String> missing,
        List<Differing> differing,
        List<String> unversioned,
        List<String> namespaces,
        List<String> gplOnly) {

    private static final String LAYOUT = "module_layout";
    private static final String NO_CRC = "00000000";

    /** Which the linker makes and the kernel asks nobody for (ignore_undef_symbol in kernel/module/main.c). */
    public static final Set<String> OF_THE_LINKER = Set.of("_GLOBAL_OFFSET_TABLE_", "TOC.");

    /** {@code license_is_gpl_compatible} in include/linux/license.h. */
    private static final Set<String> FREE =
            Set.of("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL");

    /** @param needed the CRC in the module */
    public record Differing(String symbol, String needed, String offered) {}

    public SymbolFit {
        missing = List.copyOf(missing);
        differing = List.copyOf(differing);
        unversioned = List.copyOf(unversioned);
        namespaces = List.copyOf(namespaces);
        gplOnly = List.copyOf(gplOnly);
    }

    public boolean fits() {
        return missing.isEmpty()
                && differing.isEmpty()
                && unversioned.isEmpty()
                && namespaces.isEmpty()
                && gplOnly.isEmpty();
    }

    static SymbolFit of(ModuleFile module, Symvers kernel) {
        Map<String, Offer> offers = kernel.offers();
        Map<String, String> needed = new TreeMap<>();
        module.symbolVersions().forEach(version -> needed.put(version.name(), version.hex()));
        Set<String> missing = new TreeSet<>();
        List<Differing> differing = new ArrayList<>();
        needed.forEach((symbol, crc) -> {
            Optional<Offer> offer = Optional.ofNullable(offers.get(symbol));
            if (offer.isPresent() && !offer.get().crc().equals(crc)) {
                differing.add(new Differing(symbol, crc, offer.get().crc()));
            }
        });
        if (needed.containsKey(LAYOUT) && !offers.containsKey(LAYOUT)) {
            missing.add(LAYOUT);
        }
        Set<String> unversioned = new TreeSet<>();
        Set<String> namespaces = new TreeSet<>();
        Set<String> gplOnly = new TreeSet<>();
        boolean free = module.info().all("license").stream()
                .findFirst()
                .filter(FREE::contains)
                .isPresent();
        for (Import symbol : module.imports()) {
            Optional<Offer> offer = Optional.ofNullable(offers.get(symbol.name()));
            if (offer.isEmpty()) {
                if (!symbol.weak() && !OF_THE_LINKER.contains(symbol.name())) {
                    missing.add(symbol.name());
                }
                continue;
            }
            if (!needed.containsKey(symbol.name()) && !offer.get().crc().equals(NO_CRC)) {
                unversioned.add(symbol.name());
            }
            offer.get().namespace().filter(name -> !imports(module, name)).ifPresent(namespaces::add);
            if (offer.get().gplOnly() && !free) {
                gplOnly.add(symbol.name());
            }
        }
        return new SymbolFit(
                List.copyOf(missing),
                differing,
                List.copyOf(unversioned),
                List.copyOf(namespaces),
                List.copyOf(gplOnly));
    }

    /** A namespace may also be a list of the modules that are let in, which import nothing ({@code EXPORT_SYMBOL_FOR_MODULES}). */
    private static boolean imports(ModuleFile module, String namespace) {
        return namespace.startsWith("module:") || module.info().all("import_ns").contains(namespace);
    }
}
