package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The sections of a 64-bit relocatable ELF, after the checks the kernel itself makes ({@code elf_validity_*} in
 * kernel/module/main.c) and stricter ones: no two sections share bytes, no two loaded ones share a name, and nothing lies behind
 * the last of them. Arithmetic is unsigned 64-bit: an offset that overflows is refused, not wrapped.
 *
 * @param sections in the order of the file, the empty first one among them: positions are what {@code sh_link} counts in
 */
record Elf(int machine, ByteOrder order, List<Section> sections) {

    static final int SHT_NULL = 0;
    static final int SHT_PROGBITS = 1;
    static final int SHT_SYMTAB = 2;
    static final int SHT_STRTAB = 3;
    static final int SHT_NOTE = 7;
    static final int SHT_NOBITS = 8;
    static final long SHF_ALLOC = 2;

    private static final int MAGIC = 0x7f454c46;
    private static final long SHF_GROUP = 0x200;
    private static final int HEADER = 64;
    private static final int SECTION_HEADER = 64;

    /** Of section and symbol names: {@code KSYM_NAME_LEN} of kernels with Rust. */
    static final int LONGEST_NAME = 512;

    record Section(String name, int type, long flags, long size, int link, int info, long align, ByteBuffer bytes) {
        Section {
            bytes = bytes.asReadOnlyBuffer().order(bytes.order());
        }

        @Override
        public ByteBuffer bytes() {
            return bytes.duplicate().order(bytes.order());
        }

        boolean isLoaded() {
            return (flags & SHF_ALLOC) != 0;
        }
    }

    /** @param body a module's bytes without its signature trailer, from its beginning */
    static Elf read(ByteBuffer body) throws NotAModule {
        require(body.limit() >= HEADER, "an ELF header", "the file has " + body.limit() + " bytes");
        require(body.order(ByteOrder.BIG_ENDIAN).getInt(0) == MAGIC, "the ELF magic", "it is missing");
        require(body.get(4) == 2, "a 64-bit ELF", "EI_CLASS is " + body.get(4));
        require(body.get(5) == 1 || body.get(5) == 2, "a byte order", "EI_DATA is " + body.get(5));
        require(body.get(6) == 1, "ELF version 1", "it is " + body.get(6));
        ByteBuffer elf = body.duplicate().order(body.get(5) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        require(elf.getShort(0x10) == 1, "a relocatable file (ET_REL)", "e_type is " + elf.getShort(0x10));
        require(elf.getShort(0x34) == HEADER, "an ELF header of 64 bytes", "e_ehsize is " + elf.getShort(0x34));
        long table = elf.getLong(0x28);
        int entrySize = elf.getShort(0x3a) & 0xffff;
        int count = elf.getShort(0x3c) & 0xffff;
        int namesIndex = elf.getShort(0x3e) & 0xffff;
        require(entrySize == SECTION_HEADER, "section headers of 64 bytes", "e_shentsize is " + entrySize);
        require(
                Long.compareUnsigned(table, elf.limit()) < 0 && (long) count * SECTION_HEADER <= elf.limit() - table,
                "section headers inside the file",
                "they reach beyond it");
        require(namesIndex != 0 && namesIndex < count, "a section of names", "e_shstrndx is " + namesIndex);
        ByteBuffer headers = elf.slice((int) table, count * SECTION_HEADER).order(elf.order());
        require(typeOf(headers, namesIndex) == SHT_STRTAB, "section names in a table of texts", "they are not");
        ByteBuffer names = bytesOf(elf, headers, namesIndex);
        require(names.limit() > 0 && names.get(names.limit() - 1) == 0, "section names ending in NUL", "they do not");
        checkOverlaps(elf, headers, table);
        Section[] sections = new Section[count];
        for (int i = 0; i < count; i++) {
            sections[i] = sectionOf(elf, headers, names, i);
        }
        Elf read = new Elf(elf.getShort(0x12) & 0xffff, elf.order(), List.of(sections));
        read.checkAll();
        return read;
    }

    /** The bytes of the section of that name, which must be there exactly once. */
    ByteBuffer only(String name) throws NotAModule {
        Optional<ByteBuffer> found = atMostOne(name);
        require(found.isPresent(), "exactly one section " + name, "there are 0");
        return found.get();
    }

    Optional<ByteBuffer> atMostOne(String name) throws NotAModule {
        return section(name).map(Section::bytes);
    }

    Optional<Section> section(String name) throws NotAModule {
        List<Section> named =
                sections.stream().filter(section -> section.name.equals(name)).toList();
        require(named.size() <= 1, "exactly one section " + name, "there are " + named.size());
        return named.stream().findFirst();
    }

    /** The one symbol table. */
    Section symbols() {
        return sections.stream()
                .filter(section -> section.type == SHT_SYMTAB)
                .findFirst()
                .orElseThrow();
    }

    private static Section sectionOf(ByteBuffer elf, ByteBuffer headers, ByteBuffer names, int index)
            throws NotAModule {
        int at = index * SECTION_HEADER;
        long nameAt = headers.getInt(at) & 0xffff_ffffL;
        require(nameAt < names.limit(), "a section name inside the names", "it lies outside");
        long align = headers.getLong(at + 48);
        if ((align & (align - 1)) != 0) {
            throw new NotAModule("Expected section " + index + " aligned to a power of two, but it is to " + align);
        }
        return new Section(
                textAt(names, (int) nameAt, LONGEST_NAME),
                headers.getInt(at + 4),
                headers.getLong(at + 8),
                headers.getLong(at + 32),
                headers.getInt(at + 40),
                headers.getInt(at + 44),
                align,
                bytesOf(elf, headers, index));
    }

    private void checkAll() throws NotAModule {
        Section first = sections.get(0);
        require(first.type == SHT_NULL && first.size == 0, "an empty first section", "it is not");
        require(
                sections.stream().filter(section -> section.type == SHT_SYMTAB).count() == 1,
                "one symbol table",
                "there is not exactly one");
        Set<String> loaded = new HashSet<>();
        for (Section section : sections) {
            boolean alone = section.isLoaded() && (section.flags & SHF_GROUP) == 0;
            if (alone && !loaded.add(section.name)) {
                throw new NotAModule(
                        "Expected at most one loaded section of a name, but there are more of '" + section.name + "'");
            }
        }
        Optional<Section> self = section(".gnu.linkonce.this_module");
        require(self.isPresent(), "exactly one section .gnu.linkonce.this_module", "there are 0");
        require(self.get().type == SHT_PROGBITS && self.get().isLoaded(), "this_module to be loaded", "it is not");
    }

    /** The kernel lets sections overlap; then one reader sees other bytes than the next. */
    private static void checkOverlaps(ByteBuffer elf, ByteBuffer headers, long table) throws NotAModule {
        int count = headers.limit() / SECTION_HEADER;
        // Begin in the upper half, end in the lower: both are below 2^31, as the file is.
        long[] ranges = new long[count + 2];
        int used = 0;
        ranges[used++] = HEADER;
        ranges[used++] = table << 32 | table + headers.limit();
        for (int i = 0; i < count; i++) {
            int type = typeOf(headers, i);
            if (type != SHT_NULL && type != SHT_NOBITS) {
                checkInside(elf, headers, i);
                long offset = headers.getLong(i * SECTION_HEADER + 24);
                long size = headers.getLong(i * SECTION_HEADER + 32);
                if (size > 0) {
                    ranges[used++] = offset << 32 | offset + size;
                }
            }
        }
        Arrays.sort(ranges, 0, used);
        for (int i = 1; i < used; i++) {
            if (ranges[i] >>> 32 < (ranges[i - 1] & 0xffff_ffffL)) {
                throw new NotAModule(
                        "Expected sections that share no bytes, but two overlap at offset " + (ranges[i] >>> 32));
            }
        }
        long end = ranges[used - 1] & 0xffff_ffffL;
        require(
                end == elf.limit(),
                "nothing behind the ELF file but one signature trailer",
                "there are " + (elf.limit() - end) + " bytes");
    }

    private static int typeOf(ByteBuffer headers, int index) {
        return headers.getInt(index * SECTION_HEADER + 4);
    }

    private static void checkInside(ByteBuffer elf, ByteBuffer headers, int index) throws NotAModule {
        long offset = headers.getLong(index * SECTION_HEADER + 24);
        long size = headers.getLong(index * SECTION_HEADER + 32);
        boolean inside =
                Long.compareUnsigned(offset, elf.limit()) <= 0 && Long.compareUnsigned(size, elf.limit() - offset) <= 0;
        if (!inside) {
            throw new NotAModule("Expected section " + index + " inside the file, but it reaches beyond it");
        }
    }

    private static ByteBuffer bytesOf(ByteBuffer elf, ByteBuffer headers, int index) throws NotAModule {
        int type = typeOf(headers, index);
        if (type == SHT_NULL || type == SHT_NOBITS) {
            return ByteBuffer.allocate(0).order(elf.order());
        }
        checkInside(elf, headers, index);
        int at = index * SECTION_HEADER;
        return elf.slice((int) headers.getLong(at + 24), (int) headers.getLong(at + 32))
                .order(elf.order());
    }

    /** The text from there to its NUL. */
    static String textAt(ByteBuffer bytes, int at) throws NotAModule {
        return textAt(bytes, at, Integer.MAX_VALUE);
    }

    static String textAt(ByteBuffer bytes, int at, int longest) throws NotAModule {
        int last = (int) Math.min(bytes.limit(), (long) at + longest + 1);
        int end = at;
        while (end < last && bytes.get(end) != 0) {
            end++;
        }
        if (end == last) {
            require(end == bytes.limit(), "a name of at most " + longest + " bytes", "it is longer");
            throw new NotAModule("Expected a text ending in NUL, but it does not end");
        }
        byte[] text = new byte[end - at];
        bytes.get(at, text);
        return new String(text, StandardCharsets.UTF_8);
    }

    /** For what is asked once: the sentences are made whether it holds or not. */
    static void require(boolean condition, String expected, String but) throws NotAModule {
        if (!condition) {
            throw new NotAModule("Expected " + expected + ", but " + but);
        }
    }
}
