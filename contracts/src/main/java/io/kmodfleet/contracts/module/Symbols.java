package io.kmodfleet.contracts.module;

import io.kmodfleet.contracts.module.Elf.Section;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the symbol table says that a module needs and offers.
 *
 * @param imports in the order of the table
 * @param exports sorted by name
 */
record Symbols(List<Import> imports, List<Export> exports) {

    private static final int ENTRY = 24;
    private static final int SHN_UNDEF = 0;
    private static final int SHN_LORESERVE = 0xff00;
    private static final int SHN_LIVEPATCH = 0xff20;
    private static final int SHN_ABS = 0xfff1;
    private static final int SHN_COMMON = 0xfff2;
    private static final int SHN_XINDEX = 0xffff;
    private static final int LOCAL = 0;
    private static final int WEAK = 2;
    private static final int MOST = 65_535;
    private static final byte[] EXPORTED = {'_', '_', 'k', 's', 'y', 'm', 't', 'a', 'b', '_'};
    private static final byte[] CRC = {'_', '_', 'c', 'r', 'c', '_'};

    /** A {@code __ksymtab_} symbol: the record of an exported one, at that place of its table. */
    private record Place(String name, int section, long at) {}

    /** @param section of their records; -1 where there are none */
    private record Exported(int section, Optional<ByteBuffer> crcs) {}

    static Symbols read(Elf elf, boolean livepatch) throws NotAModule {
        return new Reading(elf, livepatch).symbols();
    }

    private static final class Reading {

        private final Elf elf;
        private final boolean livepatch;
        private final ByteBuffer table;
        private final ByteBuffer texts;
        private final int locals;
        private final Exported plain;
        private final Exported gplOnly;
        private final List<Import> imports = new ArrayList<>();
        private final Set<String> imported = new HashSet<>();
        private final List<Place> places = new ArrayList<>();
        private final Map<String, Integer> absoluteCrcs = new HashMap<>();

        Reading(Elf elf, boolean livepatch) throws NotAModule {
            this.elf = elf;
            this.livepatch = livepatch;
            Section section = elf.symbols();
            table = section.bytes();
            Elf.require(
                    table.limit() > 0 && table.limit() % ENTRY == 0,
                    "a symbol table in entries of 24 bytes",
                    "it has " + table.limit() + " bytes");
            int link = section.link();
            Elf.require(
                    link > 0
                            && link < elf.sections().size()
                            && elf.sections().get(link).type() == Elf.SHT_STRTAB,
                    "a table of texts for the symbols",
                    "sh_link is " + link);
            texts = elf.sections().get(link).bytes();
            Elf.require(
                    texts.limit() > 0 && texts.get(0) == 0 && texts.get(texts.limit() - 1) == 0,
                    "symbol names that begin and end with NUL",
                    "they do not");
            locals = section.info();
            Elf.require(
                    locals >= 1 && locals <= table.limit() / ENTRY,
                    "local symbols before the others",
                    "sh_info is " + locals);
            plain = new Exported(indexOf("__ksymtab"), elf.atMostOne("__kcrctab"));
            gplOnly = new Exported(indexOf("__ksymtab_gpl"), elf.atMostOne("__kcrctab_gpl"));
        }

        Symbols symbols() throws NotAModule {
            Elf.require(
                    table.getLong(0) == 0 && table.getLong(8) == 0 && table.getLong(16) == 0,
                    "an empty first symbol",
                    "it is not");
            for (int at = ENTRY; at < table.limit(); at += ENTRY) {
                read(at);
            }
            return new Symbols(List.copyOf(imports), exports());
        }

        private void read(int at) throws NotAModule {
            long nameAt = table.getInt(at) & 0xffff_ffffL;
            Elf.require(nameAt < texts.limit(), "symbol names inside their table", "one lies outside");
            int bind = (table.get(at + 4) & 0xff) >>> 4;
            int home = table.getShort(at + 6) & 0xffff;
            boolean local = at / ENTRY < locals;
            Elf.require(local == (bind == LOCAL), "local symbols before the others", "they are mixed");
            if (home == SHN_UNDEF) {
                Elf.require(!local, "an undefined symbol to be global", "a local one is undefined");
                add((int) nameAt, bind == WEAK);
                return;
            }
            Elf.require(home != SHN_XINDEX, "symbols of at most 65,279 sections", "one has an extended index");
            Elf.require(home != SHN_COMMON, "no common symbols, which no kernel takes", "there is one");
            if (home == SHN_ABS) {
                if (begins(nameAt, CRC)) {
                    absoluteCrcs.put(nameAfter(nameAt, CRC), (int) table.getLong(at + 8));
                    requireFew(absoluteCrcs.size());
                }
                return;
            }
            boolean patched = livepatch && home == SHN_LIVEPATCH;
            if (!patched && (home >= SHN_LORESERVE || home >= elf.sections().size())) {
                throw new NotAModule("Expected symbols of sections that are there, but one is of section " + home);
            }
            if (begins(nameAt, EXPORTED)) {
                places.add(new Place(nameAfter(nameAt, EXPORTED), home, table.getLong(at + 8)));
                requireFew(places.size());
            }
        }

        private void add(int nameAt, boolean weak) throws NotAModule {
            String name =
                    SymbolVersions.undotted(Elf.textAt(texts, nameAt, Elf.LONGEST_NAME), SymbolVersions.isDotted(elf));
            Elf.require(!name.isEmpty(), "a name of every undefined symbol", "one has none");
            if (!imported.add(name)) {
                throw new NotAModule("Expected every undefined symbol once, but '" + name + "' stands twice");
            }
            imports.add(new Import(name, weak));
            requireFew(imports.size());
        }

        private List<Export> exports() {
            List<Export> exports = new ArrayList<>();
            for (Place place : places) {
                if (place.section == gplOnly.section || place.section == plain.section) {
                    boolean gpl = place.section == gplOnly.section;
                    Optional<Integer> absolute = Optional.ofNullable(absoluteCrcs.get(place.name));
                    exports.add(new Export(
                            place.name, gpl, absolute.isPresent() ? absolute : crcAt(place, gpl ? gplOnly : plain)));
                }
            }
            exports.sort(Comparator.comparing(Export::name));
            return List.copyOf(exports);
        }

        /** Both tables have their records in the same order; how long one of the first is varies with the kernel. */
        private Optional<Integer> crcAt(Place place, Exported table) {
            int count = table.crcs.map(ByteBuffer::limit).orElse(0) / Integer.BYTES;
            if (count == 0) {
                return Optional.empty();
            }
            long record = elf.sections().get(place.section).size() / count;
            long index = record > 0 ? Long.divideUnsigned(place.at, record) : -1;
            return index >= 0 && index < count
                    ? Optional.of(table.crcs.get().getInt((int) index * Integer.BYTES))
                    : Optional.empty();
        }

        private int indexOf(String section) {
            for (int i = 1; i < elf.sections().size(); i++) {
                if (elf.sections().get(i).name().equals(section)) {
                    return i;
                }
            }
            return -1;
        }

        private boolean begins(long nameAt, byte[] prefix) {
            if (nameAt + prefix.length >= texts.limit()) {
                return false;
            }
            for (int i = 0; i < prefix.length; i++) {
                if (texts.get((int) nameAt + i) != prefix[i]) {
                    return false;
                }
            }
            return true;
        }

        private String nameAfter(long nameAt, byte[] prefix) throws NotAModule {
            return Elf.textAt(texts, (int) nameAt + prefix.length, Elf.LONGEST_NAME);
        }

        private static void requireFew(int count) throws NotAModule {
            Elf.require(count <= MOST, "at most " + MOST + " symbols of a kind", "there are more");
        }
    }
}
