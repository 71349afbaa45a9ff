package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.module.Divergence.Difference;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class DivergenceTest {

    private static final long STRINGS = 2 | 0x10 | 0x20;

    @Test
    void signature_and_compression_are_no_difference() throws Exception {
        byte[] module = toy().bytes();
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
            out.write(ModuleFixture.signed(module, 415));
        }

        assertThat(Divergence.between(module, gzip.toByteArray()).isEmpty()).isTrue();
    }

    @Test
    void a_path_of_the_build_is_shown_and_explained() throws Exception {
        Difference paths = only(
                toy().section(".rodata.str1.8", 1, STRINGS, text("same\0/root/build-1/toy.c\0")),
                toy().section(".rodata.str1.8", 1, STRINGS, text("same\0/home/ci/b2/toy.c\0")));

        assertThat(paths.section()).isEqualTo(".rodata.str1.8");
        assertThat(paths.loaded()).isTrue();
        assertThat(paths.what()).isEqualTo("'/root/build-1/toy.c' in the first, '/home/ci/b2/toy.c' in the second");
        assertThat(paths.why()).contains("-ffile-prefix-map");
    }

    @Test
    void a_flipped_byte_in_the_code_is_found_at_its_place() throws Exception {
        Difference code =
                only(toy().section(".text", new byte[] {1, 2, 3, 4}), toy().section(".text", new byte[] {1, 2, 9, 4}));

        assertThat(code.what()).isEqualTo("1 of 4 bytes, from 2");
        assertThat(code.why()).startsWith("code: ");
    }

    @Test
    void another_kernel_another_source_and_another_interface_are_told_apart() throws Exception {
        assertThat(only(toy(), toy().with("vermagic", "6.2.0 SMP ")).why()).isEqualTo("built for another kernel");
        assertThat(only(toy(), toy().with("srcversion", "A")).why()).contains("generated");
        assertThat(only(toy(), toy().with("alias", "pci:*")).why()).startsWith("another source");
        assertThat(only(toy(), toy().importing(ModuleFixture.LAYOUT, 1)).what())
                .isEqualTo("module_layout bb6dfbbd in the first, module_layout 00000001 in the second");
    }

    @Test
    void a_section_that_only_one_has_is_named_with_its_side() throws Exception {
        List<Difference> differences = Divergence.between(
                        toy().section(".BTF", new byte[4]).bytes(), toy().bytes())
                .differences();

        assertThat(differences)
                .extracting(Difference::section)
                .startsWith(".BTF")
                .contains(".shstrtab");
        assertThat(differences.get(0).what()).isEqualTo("only in the first");
        assertThat(differences.get(0).why()).contains("vmlinux");
    }

    @Test
    void a_byte_between_the_sections_is_a_difference_too() throws Exception {
        byte[] module = toy().bytes();

        assertThat(Divergence.between(module, ModuleFixture.patched(module, 0x14, (byte) 9))
                        .differences())
                .singleElement()
                .extracting(Difference::section)
                .isEqualTo("(between the sections)");
    }

    @Test
    void what_is_no_module_cannot_be_compared() {
        assertThatExceptionOfType(NotAModule.class).isThrownBy(() -> Divergence.between(toy().bytes(), new byte[100]));
    }

    private static Difference only(ModuleFixture first, ModuleFixture second) throws NotAModule {
        List<Difference> differences =
                Divergence.between(first.bytes(), second.bytes()).differences();
        assertThat(differences).hasSize(1);
        return differences.get(0);
    }

    private static ModuleFixture toy() {
        return ModuleFixture.module("toy", "6.1.0-56-amd64");
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
