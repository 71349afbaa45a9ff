package io.kmodfleet.contracts.module;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes small kernel modules that the rules of a real one hold for, and that tests can make wrong in one point. */
public final class ModuleFixture {

    public static final String LAYOUT = "module_layout";
    public static final int LAYOUT_CRC = 0xbb6dfbbd;

    private static final int STRUCT_SIZE = 896;
    private static final int STRUCT_NAME = 24;

    private final Map<String, String> info = new LinkedHashMap<>();
    private final List<Section> sections = new ArrayList<>();
    private final List<Version> basic = new ArrayList<>();
    private final List<Version> extended = new ArrayList<>();
    private final List<Symbol> symbols = new ArrayList<>();
    private final List<String> exports = new ArrayList<>();
    private ByteOrder order = ByteOrder.LITTLE_ENDIAN;
    private int machine = 62;
    private boolean thisModule = true;
    private String structName;

    private record Section(String name, int type, long flags, byte[] bytes, int link, int info) {}

    private record Version(String name, int crc) {}

    private record Symbol(String name, int bind, int section, long value) {}

    public static ModuleFixture module(String name, String release) {
        ModuleFixture fixture = new ModuleFixture();
        fixture.structName = name;
        fixture.info.put("name", name);
        fixture.info.put("vermagic", release + " SMP preempt mod_unload modversions ");
        fixture.info.put("srcversion", "0123456789ABCDEF0123456");
        fixture.info.put("license", "GPL");
        fixture.basic.add(new Version(LAYOUT, LAYOUT_CRC));
        return fixture;
    }

    public ModuleFixture with(String key, String value) {
        info.put(key, value);
        return this;
    }

    public ModuleFixture without(String key) {
        info.remove(key);
        return this;
    }

    public ModuleFixture machine(int value) {
        machine = value;
        return this;
    }

    public ModuleFixture bigEndian() {
        order = ByteOrder.BIG_ENDIAN;
        return this;
    }

    public ModuleFixture withoutThisModule() {
        thisModule = false;
        return this;
    }

    /** Under which the kernel would load it. */
    public ModuleFixture structName(String value) {
        structName = value;
        return this;
    }

    /** An undefined symbol with its CRC; {@code module_layout} is no symbol, but has one. */
    public ModuleFixture importing(String symbol, int crc) {
        basic.removeIf(known -> known.name.equals(symbol));
        basic.add(new Version(symbol, crc));
        return symbol.equals(LAYOUT) ? this : undefined(symbol, 1);
    }

    /** One more CRC for a symbol that is there, or for none. */
    public ModuleFixture version(String symbol, int crc) {
        basic.add(new Version(symbol, crc));
        return this;
    }

    /** A CRC in the tables of kernels with {@code CONFIG_EXTENDED_MODVERSIONS}. */
    public ModuleFixture extendedVersion(String symbol, int crc) {
        extended.add(new Version(symbol, crc));
        return this;
    }

    /** As of a kernel without modversions. */
    public ModuleFixture withoutVersions() {
        basic.clear();
        return this;
    }

    /** An undefined symbol without a CRC. */
    public ModuleFixture undefined(String symbol) {
        return undefined(symbol, 1);
    }

    public ModuleFixture weak(String symbol) {
        return undefined(symbol, 2);
    }

    private ModuleFixture undefined(String symbol, int bind) {
        symbols.add(new Symbol(symbol, bind, 0, 0));
        return this;
    }

    /** A global symbol of that section, whether there is one or not. */
    public ModuleFixture symbolOf(String symbol, int section) {
        symbols.add(new Symbol(symbol, 1, section, 0));
        return this;
    }

    /** {@code EXPORT_SYMBOL_GPL}; its CRC is its place, from 1. */
    public ModuleFixture exporting(String symbol) {
        exports.add(symbol);
        return this;
    }

    public ModuleFixture section(String name, byte[] bytes) {
        return section(name, 1, 2, bytes);
    }

    public ModuleFixture section(String name, int type, long flags, byte[] bytes) {
        sections.add(new Section(name, type, flags, bytes, 0, 0));
        return this;
    }

    public byte[] bytes() {
        List<Section> all = new ArrayList<>();
        all.add(new Section("", 0, 0, new byte[0], 0, 0));
        all.add(new Section(".modinfo", 1, 2, modinfo(), 0, 0));
        if (thisModule) {
            all.add(new Section(".gnu.linkonce.this_module", 1, 3, struct(), 0, 0));
        }
        addVersions(all);
        all.addAll(sections);
        addSymbols(all);
        ByteArrayOutputStream names = new ByteArrayOutputStream();
        List<Integer> nameAt = new ArrayList<>();
        for (Section section : all) {
            nameAt.add(names.size());
            names.writeBytes((section.name + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        nameAt.add(names.size());
        names.writeBytes(".shstrtab\0".getBytes(StandardCharsets.US_ASCII));
        all.add(new Section(".shstrtab", 3, 0, names.toByteArray(), 0, 0));

        ByteArrayOutputStream body = new ByteArrayOutputStream();
        List<Integer> offsets = new ArrayList<>();
        for (Section section : all) {
            offsets.add(64 + body.size());
            body.writeBytes(section.bytes);
            body.writeBytes(new byte[(8 - body.size() % 8) % 8]);
        }
        int table = 64 + body.size();
        ByteBuffer elf = buffer(table + 64 * all.size());
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, (byte) (order == ByteOrder.LITTLE_ENDIAN ? 1 : 2), 1})
                .position(16);
        elf.putShort((short) 1).putShort((short) machine).putInt(1);
        elf.putLong(0x28, table).putShort(0x34, (short) 64).putShort(0x3a, (short) 64);
        elf.putShort(0x3c, (short) all.size()).putShort(0x3e, (short) (all.size() - 1));
        elf.position(64);
        elf.put(body.toByteArray());
        for (int i = 1; i < all.size(); i++) {
            Section section = all.get(i);
            int at = table + 64 * i;
            elf.putInt(at, nameAt.get(i)).putInt(at + 4, section.type).putLong(at + 8, section.flags);
            elf.putLong(at + 24, offsets.get(i)).putLong(at + 32, section.bytes.length);
            elf.putInt(at + 40, section.link).putInt(at + 44, section.info).putLong(at + 48, 4);
        }
        return elf.array();
    }

    /** With a signature trailer around so many bytes behind it: a DER sequence of nothing. */
    public static byte[] signed(byte[] module, int signatureLength) {
        return signed(module, sequence(signatureLength));
    }

    /** With a signature trailer around those bytes behind it. */
    public static byte[] signed(byte[] module, byte[] signature) {
        ByteBuffer signed = ByteBuffer.allocate(module.length + signature.length + 12 + 28);
        signed.put(module).put(signature).put(new byte[] {0, 0, 2, 0, 0, 0, 0, 0});
        signed.putInt(signature.length).put("~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII));
        return signed.array();
    }

    /** A DER sequence of zeros that has so many bytes in all, at least 4. */
    public static byte[] sequence(int length) {
        ByteBuffer der = ByteBuffer.allocate(length);
        return der.put((byte) 0x30)
                .put((byte) 0x82)
                .putShort((short) (length - 4))
                .array();
    }

    private void addVersions(List<Section> all) {
        if (!basic.isEmpty()) {
            ByteBuffer records = buffer(64 * basic.size());
            for (int i = 0; i < basic.size(); i++) {
                records.putLong(64 * i, basic.get(i).crc & 0xffff_ffffL);
                records.put(64 * i + 8, basic.get(i).name.getBytes(StandardCharsets.US_ASCII));
            }
            all.add(new Section("__versions", 1, 2, records.array(), 0, 0));
        }
        if (!extended.isEmpty()) {
            ByteBuffer crcs = buffer(4 * extended.size());
            ByteArrayOutputStream names = new ByteArrayOutputStream();
            for (Version version : extended) {
                crcs.putInt(version.crc);
                names.writeBytes((version.name + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            names.write(0);
            all.add(new Section("__version_ext_crcs", 1, 2, crcs.array(), 0, 0));
            all.add(new Section("__version_ext_names", 1, 2, names.toByteArray(), 0, 0));
        }
    }

    private void addSymbols(List<Section> all) {
        List<Symbol> table = new ArrayList<>(symbols);
        if (!exports.isEmpty()) {
            ByteBuffer crcs = buffer(4 * exports.size());
            for (int i = 0; i < exports.size(); i++) {
                crcs.putInt(i + 1);
                table.add(new Symbol("__ksymtab_" + exports.get(i), 1, all.size(), 12L * i));
            }
            all.add(new Section("__ksymtab_gpl", 1, 2, new byte[12 * exports.size()], 0, 0));
            all.add(new Section("__kcrctab_gpl", 1, 2, crcs.array(), 0, 0));
        }
        ByteBuffer entries = buffer(24 * (table.size() + 1));
        ByteArrayOutputStream texts = new ByteArrayOutputStream();
        texts.write(0);
        entries.position(24);
        for (Symbol symbol : table) {
            entries.putInt(texts.size()).put((byte) (symbol.bind << 4)).put((byte) 0);
            entries.putShort((short) symbol.section).putLong(symbol.value).putLong(0);
            texts.writeBytes((symbol.name + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        all.add(new Section(".symtab", 2, 0, entries.array(), all.size() + 1, 1));
        all.add(new Section(".strtab", 3, 0, texts.toByteArray(), 0, 0));
    }

    private byte[] struct() {
        byte[] name = Optional.ofNullable(structName).orElse("").getBytes(StandardCharsets.US_ASCII);
        byte[] struct = new byte[STRUCT_SIZE];
        System.arraycopy(name, 0, struct, STRUCT_NAME, name.length);
        return struct;
    }

    private ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(order);
    }

    private byte[] modinfo() {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        info.forEach((key, value) -> text.writeBytes((key + "=" + value + "\0").getBytes(StandardCharsets.UTF_8)));
        return text.toByteArray();
    }

    /** The bytes with those from {@code at} on replaced. */
    public static byte[] patched(byte[] bytes, int at, byte... others) {
        byte[] patched = Arrays.copyOf(bytes, bytes.length);
        System.arraycopy(others, 0, patched, at, others.length);
        return patched;
    }
}
