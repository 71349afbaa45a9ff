package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The CRCs that a module was built with, as they stand in its two tables. Since the kernel looks at one of them only, a module
 * whose tables contradict each other is two modules in one; {@code ModuleRules} refuses it.
 *
 * @param basic {@code __versions}, 64 bytes a record
 * @param extended {@code __version_ext_crcs} and {@code __version_ext_names}, of kernels with
 *     {@code CONFIG_EXTENDED_MODVERSIONS}
 */
public record SymbolVersions(Optional<List<SymbolVersion>> basic, Optional<List<SymbolVersion>> extended) {

    /** Longest name that has room in the basic table. */
    public static final int LONGEST_BASIC_NAME = 55;

    private static final int RECORD = 64;
    private static final int MOST = 65_535;
    private static final int POWERPC_64 = 21;

    public SymbolVersions {
        basic = basic.map(List::copyOf);
        extended = extended.map(List::copyOf);
    }

    /** What the kernel goes by: the extended table where there is one (kernel/module/version.c, check_version). */
    public List<SymbolVersion> used() {
        return extended.or(() -> basic).orElse(List.of());
    }

    static SymbolVersions read(Elf elf) throws NotAModule {
        boolean dotted = elf.machine() == POWERPC_64;
        Optional<ByteBuffer> basic = elf.atMostOne("__versions");
        Optional<ByteBuffer> crcs = elf.atMostOne("__version_ext_crcs");
        Optional<ByteBuffer> names = elf.atMostOne("__version_ext_names");
        Elf.require(
                crcs.isPresent() == names.isPresent(),
                "both tables of extended symbol versions or none",
                "there is only one");
        return new SymbolVersions(
                basic.isPresent() ? Optional.of(basicOf(basic.get(), dotted)) : Optional.empty(),
                crcs.isPresent() ? Optional.of(extendedOf(crcs.get(), names.get(), dotted)) : Optional.empty());
    }

    private static List<SymbolVersion> basicOf(ByteBuffer bytes, boolean dotted) throws NotAModule {
        Elf.require(
                bytes.limit() % RECORD == 0, "__versions in records of 64 bytes", "it has " + bytes.limit() + " bytes");
        int count = bytes.limit() / RECORD;
        requireFew(count);
        List<SymbolVersion> versions = new ArrayList<>(count);
        for (int at = 0; at < bytes.limit(); at += RECORD) {
            long crc = bytes.getLong(at);
            Elf.require(crc >>> Integer.SIZE == 0, "CRCs of 32 bits in __versions", "there is a longer one");
            ByteBuffer name = bytes.slice(at + Long.BYTES, RECORD - Long.BYTES);
            versions.add(new SymbolVersion(nameAt(name, 0, dotted), (int) crc));
        }
        return versions;
    }

    private static List<SymbolVersion> extendedOf(ByteBuffer crcs, ByteBuffer names, boolean dotted) throws NotAModule {
        Elf.require(
                crcs.limit() % Integer.BYTES == 0,
                "__version_ext_crcs of 4 bytes each",
                "it has " + crcs.limit() + " bytes");
        int count = crcs.limit() / Integer.BYTES;
        requireFew(count);
        List<SymbolVersion> versions = new ArrayList<>(count);
        int at = 0;
        for (int i = 0; i < count; i++) {
            if (at >= names.limit()) {
                throw new NotAModule("Expected as many extended names as CRCs, but there are only " + i);
            }
            String name = nameAt(names, at, dotted);
            versions.add(new SymbolVersion(name, crcs.getInt(i * Integer.BYTES)));
            while (names.get(at) != 0) {
                at++;
            }
            at++;
        }
        // The compiler ends the last text of them all with a NUL of its own.
        while (at < names.limit()) {
            Elf.require(names.get(at) == 0, "as many extended names as CRCs", "there are more names");
            at++;
        }
        return versions;
    }

    private static String nameAt(ByteBuffer names, int at, boolean dotted) throws NotAModule {
        String name = Elf.textAt(names, at, Elf.LONGEST_NAME);
        Elf.require(!name.isEmpty(), "a name beside every CRC", "one is empty");
        return undotted(name, dotted);
    }

    /** Function symbols of 64-bit PowerPC may begin with a dot, which the kernel takes away (dedotify). */
    static String undotted(String name, boolean dotted) {
        return dotted && name.startsWith(".") && name.length() > 1 ? name.substring(1) : name;
    }

    static boolean isDotted(Elf elf) {
        return elf.machine() == POWERPC_64;
    }

    private static void requireFew(int count) throws NotAModule {
        Elf.require(count <= MOST, "at most " + MOST + " symbol versions", "there are " + count);
    }
}
