package io.kmodfleet.contracts.module;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes small kernel modules that the rules of a real one hold for, and that tests can make wrong in one point. */
public final class ModuleFixture {

    private final Map<String, String> info = new LinkedHashMap<>();
    private final List<Section> sections = new ArrayList<>();
    private int machine = 62;
    private boolean thisModule = true;

    private record Section(String name, int type, long flags, byte[] bytes) {}

    public static ModuleFixture module(String name, String release) {
        ModuleFixture fixture = new ModuleFixture();
        fixture.info.put("name", name);
        fixture.info.put("vermagic", release + " SMP preempt mod_unload modversions ");
        fixture.info.put("srcversion", "0123456789ABCDEF0123456");
        fixture.info.put("license", "GPL");
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

    public ModuleFixture withoutThisModule() {
        thisModule = false;
        return this;
    }

    public ModuleFixture importing(String symbol, int crc) {
        ByteBuffer record = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(crc & 0xffff_ffffL).put(symbol.getBytes(StandardCharsets.US_ASCII));
        sections.add(new Section("__versions", 1, 2, record.array()));
        return this;
    }

    public ModuleFixture section(String name, byte[] bytes) {
        sections.add(new Section(name, 1, 2, bytes));
        return this;
    }

    public byte[] bytes() {
        List<Section> all = new ArrayList<>();
        all.add(new Section("", 0, 0, new byte[0]));
        all.add(new Section(".modinfo", 1, 2, modinfo()));
        if (thisModule) {
            all.add(new Section(".gnu.linkonce.this_module", 1, 3, new byte[896]));
        }
        all.add(new Section(".symtab", 2, 0, new byte[24]));
        all.addAll(sections);
        ByteArrayOutputStream names = new ByteArrayOutputStream();
        List<Integer> nameAt = new ArrayList<>();
        for (Section section : all) {
            nameAt.add(names.size());
            names.writeBytes((section.name + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        nameAt.add(names.size());
        names.writeBytes(".shstrtab\0".getBytes(StandardCharsets.US_ASCII));
        all.add(new Section(".shstrtab", 3, 0, names.toByteArray()));

        ByteArrayOutputStream body = new ByteArrayOutputStream();
        List<Integer> offsets = new ArrayList<>();
        for (Section section : all) {
            offsets.add(64 + body.size());
            body.writeBytes(section.bytes);
            body.writeBytes(new byte[(8 - body.size() % 8) % 8]);
        }
        int table = 64 + body.size();
        ByteBuffer elf = ByteBuffer.allocate(table + 64 * all.size()).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        elf.putShort((short) 1).putShort((short) machine).putInt(1);
        elf.putLong(0x28, table).putShort(0x34, (short) 64).putShort(0x3a, (short) 64);
        elf.putShort(0x3c, (short) all.size()).putShort(0x3e, (short) (all.size() - 1));
        elf.position(64);
        elf.put(body.toByteArray());
        for (int i = 0; i < all.size(); i++) {
            Section section = all.get(i);
            int at = table + 64 * i;
            if (i > 0) {
                elf.putInt(at, nameAt.get(i)).putInt(at + 4, section.type).putLong(at + 8, section.flags);
                elf.putLong(at + 24, offsets.get(i)).putLong(at + 32, section.bytes.length);
            }
        }
        return elf.array();
    }

    /** With a signature trailer of that many bytes behind it. */
    public static byte[] signed(byte[] module, int signatureLength) {
        return signed(module, new byte[signatureLength]);
    }

    /** With a signature trailer around those bytes behind it. */
    public static byte[] signed(byte[] module, byte[] signature) {
        ByteBuffer signed = ByteBuffer.allocate(module.length + signature.length + 12 + 28);
        signed.put(module).put(signature).put(new byte[] {0, 0, 2, 0, 0, 0, 0, 0});
        signed.putInt(signature.length).put("~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII));
        return signed.array();
    }

    private byte[] modinfo() {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        info.forEach((key, value) -> text.writeBytes((key + "=" + value + "\0").getBytes(StandardCharsets.UTF_8)));
        return text.toByteArray();
    }
}
