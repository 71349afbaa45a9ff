package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Threat 11: the kernel's own list of what an ELF file must be, and what is stricter. */
class ElfTest {

    private static final byte[] MODULE = ModuleFixture.module("toy", "6.1.0-56-amd64")
            .importing("kfree", 7)
            .exporting("toy_open")
            .bytes();
    private static final int NAME = 0;
    private static final int TYPE = 4;
    private static final int OFFSET = 24;
    private static final int SIZE = 32;
    private static final int LINK = 40;
    private static final int INFO = 44;
    private static final int ALIGN = 48;

    @Test
    void both_byte_orders_are_read_alike() throws Exception {
        ModuleFixture toy = ModuleFixture.module("toy", "6.1.0-56-s390x")
                .machine(22)
                .bigEndian()
                .importing("kfree", 0x0102_0304)
                .extendedVersion(ModuleFixture.LAYOUT, ModuleFixture.LAYOUT_CRC)
                .extendedVersion("kfree", 0x0102_0304)
                .exporting("toy_open");

        ModuleFile file = ModuleFile.read(toy.bytes());

        assertThat(file.arch()).contains("s390x");
        assertThat(file.bigEndian()).isTrue();
        assertThat(file.structName()).contains("toy");
        assertThat(file.symbolVersions()).contains(new SymbolVersion("kfree", 0x0102_0304));
        assertThat(file.versions().basic()).isEqualTo(file.versions().extended());
        assertThat(file.imports()).containsExactly(new Import("kfree", false));
        assertThat(file.exports()).containsExactly(new Export("toy_open", true, Optional.of(1)));
    }

    @Test
    void a_dot_before_a_name_is_taken_away_on_powerpc_and_nowhere_else() throws Exception {
        ModuleFixture dotted =
                ModuleFixture.module("toy", "6.1.0").machine(21).bigEndian().importing(".kfree", 7);

        assertThat(ModuleFile.read(dotted.bytes()).imports()).containsExactly(new Import("kfree", false));
        assertThat(ModuleFile.read(dotted.bytes()).symbolVersions()).contains(new SymbolVersion("kfree", 7));
        assertThat(ModuleFile.read(ModuleFixture.module("toy", "6.1.0")
                                .importing(".kfree", 7)
                                .bytes())
                        .imports())
                .containsExactly(new Import(".kfree", false));
    }

    @Test
    void what_is_no_relocatable_elf_of_64_bits_is_refused() {
        refused("ELF magic", with(0, 0x7e));
        refused("64-bit", with(4, 1));
        refused("byte order", with(5, 3));
        refused("version 1", with(6, 0));
        refused("ET_REL", with(0x10, 3));
        refused("ELF header of 64 bytes", with(0x34, 52));
        refused("headers of 64 bytes", with(0x3a, 40));
        refused("section of names", with(0x3e, 0));
        refused("section of names", with(0x3e, 0xff));
        refused("section headers inside the file", with(0x2f, 0x80));
        refused("section headers inside the file", with(0x3d, 0xff));
    }

    @Test
    void a_section_that_reaches_beyond_the_file_is_refused_even_where_the_sum_overflows() {
        refused("inside the file", section(".modinfo", OFFSET, MODULE.length));
        refused("inside the file", section(".modinfo", SIZE, MODULE.length));
        refused("inside the file", section(".modinfo", OFFSET, -1));
        refused("inside the file", section(".modinfo", SIZE, -1));
        refused("inside the file", section(".modinfo", SIZE, Long.MIN_VALUE));
    }

    @Test
    void sections_that_share_bytes_are_refused() {
        refused("share no bytes", section(".modinfo", OFFSET, offsetOf("__versions")));
        refused("share no bytes", section(".modinfo", OFFSET, 0));
        refused("share no bytes", section(".modinfo", OFFSET, tableOf(MODULE)));
    }

    @Test
    void a_second_section_of_a_name_is_refused() {
        for (String name : List.of(".modinfo", "__versions", ".gnu.linkonce.this_module", ".text")) {
            ModuleFixture twice = ModuleFixture.module("toy", "6.1.0").section(name, new byte[64]);
            refused(
                    name,
                    name.equals(".text") ? twice.section(name, new byte[8]).bytes() : twice.bytes());
        }
    }

    @Test
    void sections_of_another_shape_than_a_module_has_are_refused() {
        refused("empty first section", ModuleFixture.patched(MODULE, tableOf(MODULE) + TYPE, (byte) 1));
        refused("section name inside", section(".modinfo", NAME, 0xffff_ffffL));
        refused("power of two", section(".modinfo", ALIGN, 3));
        refused("this_module to be loaded", section(".gnu.linkonce.this_module", TYPE, 8));
        refused("one symbol table", section(".symtab", TYPE, 1));
        refused("texts for the symbols", section(".symtab", LINK, 0));
        refused("texts for the symbols", section(".symtab", LINK, 1));
        refused("texts for the symbols", section(".symtab", LINK, 0xffff));
        refused("local symbols before the others", section(".symtab", INFO, 0));
        refused("local symbols before the others", section(".symtab", INFO, 99));
        refused("local symbols before the others", section(".symtab", INFO, 2));
        refused(
                "whole notes",
                ModuleFixture.module("toy", "6.1.0")
                        .section(".note.Linux", 7, 2, new byte[] {
                            4, 0, 0, 0, (byte) 255, (byte) 255, (byte) 255, 127, 1, 0, 0, 0
                        })
                        .bytes());
    }

    @Test
    void symbols_that_no_kernel_takes_are_refused() {
        refused("extended index", symbolOf(0xffff));
        refused("common", symbolOf(0xfff2));
        refused("sections that are there", symbolOf(0xff20));
        refused("sections that are there", symbolOf(0x7fff));
        refused(
                "stands twice",
                ModuleFixture.module("toy", "6.1.0").weak("kfree").weak("kfree").bytes());
        refused("has none", ModuleFixture.module("toy", "6.1.0").undefined("").bytes());
    }

    @Test
    void a_livepatch_may_have_symbols_that_are_found_later() throws Exception {
        byte[] patch = ModuleFixture.module("toy", "6.1.0")
                .with("livepatch", "Y")
                .symbolOf(".klp.sym.vmlinux.printk,0", 0xff20)
                .bytes();

        assertThat(ModuleFile.read(patch).imports()).isEmpty();
    }

    @Test
    void one_table_of_extended_versions_without_the_other_is_refused() {
        refused(
                "both tables",
                ModuleFixture.module("toy", "6.1.0")
                        .section("__version_ext_crcs", new byte[4])
                        .bytes());
        refused(
                "both tables",
                ModuleFixture.module("toy", "6.1.0")
                        .section("__version_ext_names", new byte[4])
                        .bytes());
        refused(
                "as many extended names",
                ModuleFixture.module("toy", "6.1.0")
                        .section("__version_ext_crcs", new byte[8])
                        .section("__version_ext_names", "a\0".getBytes())
                        .bytes());
        refused(
                "as many extended names",
                ModuleFixture.module("toy", "6.1.0")
                        .section("__version_ext_crcs", new byte[4])
                        .section("__version_ext_names", "a\0b\0".getBytes())
                        .bytes());
    }

    @Test
    void a_single_key_that_stands_twice_is_refused() {
        for (String key : List.of("name", "vermagic", "version", "depends", "intree", "livepatch", "retpoline")) {
            ModuleFixture twice =
                    ModuleFixture.module("toy", "6.1.0").with(key, "a").with("x", "\0" + key + "=b");
            refused("one '" + key + "'", twice.bytes());
        }
    }

    @Test
    void what_is_read_of_a_file_is_bounded() {
        refused(
                "of at most 512 bytes",
                ModuleFixture.module("toy", "6.1.0").undefined("x".repeat(600)).bytes());
        refused(
                ".modinfo of at most",
                ModuleFixture.module("toy", "6.1.0")
                        .with("alias", "x".repeat(1 << 20))
                        .bytes());
        refused(
                "entries in .modinfo",
                ModuleFixture.module("toy", "6.1.0")
                        .with("x", "\0a=".repeat(70_000))
                        .bytes());
    }

    @Test
    void as_many_sections_and_symbols_as_there_may_be_cost_a_second_and_little_memory() throws Exception {
        ModuleFixture large = ModuleFixture.module("toy", "6.1.0");
        for (int i = 0; i < 65_000; i++) {
            large.section(".section." + i, 1, 0, new byte[8]);
            large.undefined("a_symbol_" + i);
        }
        byte[] file = large.bytes();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = threads.getCurrentThreadAllocatedBytes();
        long spent = threads.getCurrentThreadCpuTime();

        assertThat(ModuleFile.read(file).imports()).hasSize(65_000);

        assertThat(threads.getCurrentThreadCpuTime() - spent).isLessThan(1_000_000_000L);
        assertThat(threads.getCurrentThreadAllocatedBytes() - allocated).isLessThan(64L << 20);
    }

    private static byte[] symbolOf(int section) {
        return ModuleFixture.module("toy", "6.1.0").symbolOf("here", section).bytes();
    }

    private static byte[] with(int at, int value) {
        return ModuleFixture.patched(MODULE, at, (byte) value);
    }

    /** With another value in a field of that section's header. */
    private static byte[] section(String name, int field, long value) {
        byte[] changed = MODULE.clone();
        ByteBuffer header = little(changed).position(headerOf(name)).slice().order(ByteOrder.LITTLE_ENDIAN);
        if (field == OFFSET || field == SIZE || field == ALIGN) {
            header.putLong(field, value);
        } else {
            header.putInt(field, (int) value);
        }
        return changed;
    }

    private static long offsetOf(String name) {
        return little(MODULE).getLong(headerOf(name) + OFFSET);
    }

    private static int headerOf(String name) {
        try {
            List<Elf.Section> sections = Elf.read(ByteBuffer.wrap(MODULE)).sections();
            for (int i = 0; i < sections.size(); i++) {
                if (sections.get(i).name().equals(name)) {
                    return tableOf(MODULE) + 64 * i;
                }
            }
        } catch (NotAModule e) {
            throw new AssertionError(e);
        }
        throw new AssertionError(name);
    }

    private static int tableOf(byte[] module) {
        return (int) little(module).getLong(0x28);
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void refused(String reason, byte[] file) {
        assertThatExceptionOfType(NotAModule.class)
                .as(reason)
                .isThrownBy(() -> ModuleFile.read(file))
                .withMessageStartingWith("Expected ")
                .withMessageContaining(reason);
    }
}
