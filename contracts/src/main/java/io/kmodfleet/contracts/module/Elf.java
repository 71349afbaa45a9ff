package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The sections of a 64-bit relocatable ELF, after the checks the kernel itself makes ({@code elf_validity_*} in
 * kernel/module/main.c). Arithmetic is unsigned 64-bit: an offset that overflows is refused, not wrapped.
 */
record Elf(int machine, List<Section> sections) {

    private static final int HEADER = 64;
    private static final int SECTION_HEADER = 64;
    private static final int SHT_NULL = 0;
    private static final int SHT_PROGBITS = 1;
    private static final int SHT_SYMTAB = 2;
    private static final int SHT_NOBITS = 8;
    private static final long SHF_ALLOC = 2;

    record Section(String name, int type, long flags, int link, ByteBuffer bytes) {
        Section {
            bytes = bytes.asReadOnlyBuffer().order(bytes.order());
        }

        @Override
        public ByteBuffer bytes() {
            return bytes.duplicate().order(bytes.order());
        }
    }

    static Elf read(byte[] file) throws NotAModule {
        require(file.length >= HEADER, "an ELF header", "the file has " + file.length + " bytes");
        require(
                file[0] == 0x7f && file[1] == 'E' && file[2] == 'L' && file[3] == 'F',
                "the ELF magic",
                "it is missing");
        require(file[4] == 2, "a 64-bit ELF", "EI_CLASS is " + file[4]);
        require(file[5] == 1 || file[5] == 2, "a byte order", "EI_DATA is " + file[5]);
        require(file[6] == 1, "ELF version 1", "it is " + file[6]);
        ByteBuffer elf = ByteBuffer.wrap(file).order(file[5] == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        require(elf.getShort(0x10) == 1, "a relocatable file (ET_REL)", "e_type is " + elf.getShort(0x10));
        int machine = elf.getShort(0x12) & 0xffff;
        long table = elf.getLong(0x28);
        int entrySize = elf.getShort(0x3a) & 0xffff;
        int count = elf.getShort(0x3c) & 0xffff;
        int namesIndex = elf.getShort(0x3e) & 0xffff;
        require(entrySize == SECTION_HEADER, "section headers of 64 bytes", "e_shentsize is " + entrySize);
        require(
                Long.compareUnsigned(table, file.length) < 0 && (long) count * SECTION_HEADER <= file.length - table,
                "section headers inside the file",
                "they reach beyond it");
        require(namesIndex != 0 && namesIndex < count, "a section of names", "e_shstrndx is " + namesIndex);
        ByteBuffer names = bytesOf(elf, (int) table, namesIndex);
        require(names.limit() > 0 && names.get(names.limit() - 1) == 0, "section names ending in NUL", "they do not");

        List<Section> sections = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * SECTION_HEADER;
            int type = elf.getInt(at + 4);
            if (i == 0) {
                require(type == SHT_NULL && elf.getLong(at + 32) == 0, "an empty first section", "it is not");
                continue;
            }
            long nameAt = elf.getInt(at) & 0xffff_ffffL;
            require(nameAt < names.limit(), "a section name inside the names", "it lies outside");
            sections.add(new Section(
                    textAt(names, (int) nameAt),
                    type,
                    elf.getLong(at + 8),
                    elf.getInt(at + 40),
                    bytesOf(elf, (int) table, i)));
        }
        Elf read = new Elf(machine, List.copyOf(sections));
        Section self = read.onlySection(".gnu.linkonce.this_module");
        require(self.type == SHT_PROGBITS && (self.flags & SHF_ALLOC) != 0, "this_module to be loaded", "it is not");
        require(
                sections.stream().filter(section -> section.type == SHT_SYMTAB).count() == 1,
                "one symbol table",
                "there is not exactly one");
        return read;
    }

    /** The bytes of the section of that name, which must be there exactly once. */
    ByteBuffer only(String name) throws NotAModule {
        return onlySection(name).bytes();
    }

    Optional<ByteBuffer> atMostOne(String name) throws NotAModule {
        List<Section> named = named(name);
        require(named.size() <= 1, "at most one section " + name, "there are " + named.size());
        return named.stream().findFirst().map(Section::bytes);
    }

    private Section onlySection(String name) throws NotAModule {
        List<Section> named = named(name);
        require(named.size() == 1, "exactly one section " + name, "there are " + named.size());
        return named.get(0);
    }

    private List<Section> named(String name) {
        return sections.stream().filter(section -> section.name.equals(name)).toList();
    }

    private static ByteBuffer bytesOf(ByteBuffer elf, int table, int index) throws NotAModule {
        int at = table + index * SECTION_HEADER;
        int type = elf.getInt(at + 4);
        if (type == SHT_NULL || type == SHT_NOBITS) {
            return ByteBuffer.allocate(0).order(elf.order());
        }
        long offset = elf.getLong(at + 24);
        long size = elf.getLong(at + 32);
        boolean inside =
                Long.compareUnsigned(offset, elf.limit()) <= 0 && Long.compareUnsigned(size, elf.limit() - offset) <= 0;
        require(inside, "section " + index + " inside the file", "it reaches beyond it");
        return elf.slice((int) offset, (int) size).order(elf.order());
    }

    /** The text from there to its NUL. */
    static String textAt(ByteBuffer bytes, int at) throws NotAModule {
        int end = at;
        while (end < bytes.limit() && bytes.get(end) != 0) {
            end++;
        }
        require(end < bytes.limit(), "a text ending in NUL", "it does not end");
        byte[] text = new byte[end - at];
        bytes.get(at, text);
        return new String(text, StandardCharsets.UTF_8);
    }

    static void require(boolean condition, String expected, String but) throws NotAModule {
        if (!condition) {
            throw new NotAModule("Expected " + expected + ", but " + but);
        }
    }
}
