package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.module.SymbolFit.Differing;
import io.kmodfleet.contracts.module.Symvers.Offer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SymversTest {

    private static final String KERNEL = """
            0xbb6dfbbd\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t
            0x00000007\tkfree\tvmlinux\tEXPORT_SYMBOL\t
            0x00000008\tput_device\tvmlinux\tEXPORT_SYMBOL_GPL\t
            0x00000009\tdma_buf_get\tdrivers/dma-buf/dma-buf\tEXPORT_SYMBOL_GPL\tDMA_BUF
            """;

    @Test
    void a_line_is_read_as_its_kernel_wrote_it_however_old_that_is() throws Exception {
        Offer offer = new Offer("4c9d28b0", "fs/fat", true, Optional.of("NS"));

        assertThat(offers("0x4c9d28b0\tfat_find\tfs/fat\tEXPORT_SYMBOL_GPL\tNS"))
                .containsExactly(offer);
        assertThat(offers("0x4c9d28b0\tfat_find\tNS\tfs/fat\tEXPORT_SYMBOL_GPL"))
                .containsExactly(offer);
        assertThat(offers("0x4c9d28b0\tfat_find\tfs/fat\tEXPORT_UNUSED_SYMBOL"))
                .containsExactly(new Offer("4c9d28b0", "fs/fat", false, Optional.empty()));
        assertThat(offers("0x4c9d28b0\tfat_find\t\tfs/fat\tEXPORT_SYMBOL\n"))
                .containsExactly(new Offer("4c9d28b0", "fs/fat", false, Optional.empty()));
        assertThat(offers("0x0000000000000000\tfat_find\tfs/fat\tEXPORT_SYMBOL\t"))
                .containsExactly(new Offer("00000000", "fs/fat", false, Optional.empty()));
    }

    @Test
    void what_is_no_symvers_is_refused_with_its_line() {
        for (String line : List.of(
                "hello",
                "0x4c9d28b0\tfat_find\tfs/fat",
                "0x4c9d28b0\tfat_find\tfs/fat\tEXPORT_SYMBOL\t\t",
                "4c9d28b0\tfat_find\tfs/fat\tEXPORT_SYMBOL\t",
                "0x4c9d28bg\tfat_find\tfs/fat\tEXPORT_SYMBOL\t",
                "0x14c9d28b0\tfat_find\tfs/fat\tEXPORT_SYMBOL\t",
                "0x\tfat_find\tfs/fat\tEXPORT_SYMBOL\t",
                "0x4c9d28b0\t\tfs/fat\tEXPORT_SYMBOL\t",
                "0x00000001\tkfree\tvmlinux\tEXPORT_SYMBOL\t")) {
            assertThatExceptionOfType(NotSymvers.class)
                    .as(line)
                    .isThrownBy(() -> symvers(KERNEL + line))
                    .withMessageContaining("in line 5 of Module.symvers");
        }
        assertThatExceptionOfType(NotSymvers.class).isThrownBy(() -> symvers("\n"));
    }

    @Test
    void a_module_fits_where_every_symbol_is_offered_with_its_crc() throws Exception {
        SymbolFit fit = fit(toy().importing("kfree", 7)
                .importing("put_device", 8)
                .weak("not_there")
                .undefined("_GLOBAL_OFFSET_TABLE_"));

        assertThat(fit.fits()).isTrue();
    }

    @Test
    void it_says_which_symbols_are_missing_and_which_differ() throws Exception {
        SymbolFit fit = fit(toy().importing(ModuleFixture.LAYOUT, 1)
                .importing("kfree", 8)
                .importing("vfree", 9)
                .undefined("put_device"));

        assertThat(fit.fits()).isFalse();
        assertThat(fit.missing()).containsExactly("vfree");
        assertThat(fit.differing())
                .containsExactly(
                        new Differing("kfree", "00000008", "00000007"),
                        new Differing("module_layout", "00000001", "bb6dfbbd"));
        assertThat(fit.unversioned()).containsExactly("put_device");
    }

    @Test
    void a_namespace_that_is_not_imported_and_a_licence_that_is_not_free_are_named() throws Exception {
        ModuleFixture bound = toy().importing("dma_buf_get", 9);

        assertThat(fit(bound).namespaces()).containsExactly("DMA_BUF");
        assertThat(fit(bound.with("import_ns", "DMA_BUF")).fits()).isTrue();
        assertThat(fit(bound.with("license", "Proprietary")).gplOnly()).containsExactly("dma_buf_get");
    }

    @Test
    void symbols_of_another_module_are_offered_by_its_own_file() throws Exception {
        Symvers both = symvers(KERNEL).and(symvers("0x0000000a\tother\tother\tEXPORT_SYMBOL\t"));

        assertThat(both.fit(ModuleFile.read(toy().importing("other", 10).bytes()))
                        .fits())
                .isTrue();
    }

    @Test
    void whatever_bytes_are_changed_it_is_read_or_refused_and_never_fails_otherwise() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            byte[] changed = KERNEL.getBytes(StandardCharsets.UTF_8);
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            try {
                Symvers.parse(changed);
            } catch (NotSymvers e) {
                assertThat(e).as("seed %d", seed).hasMessageStartingWith("Expected ");
            }
        }
    }

    private static Iterable<Offer> offers(String line) throws NotSymvers {
        return symvers(line).offers().values();
    }

    private static Symvers symvers(String text) throws NotSymvers {
        return Symvers.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static SymbolFit fit(ModuleFixture module) throws NotAModule, NotSymvers {
        return symvers(KERNEL).fit(ModuleFile.read(module.bytes()));
    }

    private static ModuleFixture toy() {
        return ModuleFixture.module("toy", "6.1.0-56-amd64");
    }
}
