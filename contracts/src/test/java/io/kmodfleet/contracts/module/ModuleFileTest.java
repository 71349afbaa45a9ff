package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import io.airlift.compress.zstd.ZstdOutputStream;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelInterface;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

class ModuleFileTest {

    private static final byte[] MODULE = ModuleFixture.module("dattobd", "6.1.0-56-amd64")
            .importing("module_layout", 0xbb6dfbbd)
            .with("description", "two\nlines")
            .bytes();

    @Test
    void a_module_says_what_it_is() throws Exception {
        ModuleFile file = ModuleFile.read(MODULE);

        assertThat(file.info().name()).isEqualTo("dattobd");
        assertThat(file.info().release()).isEqualTo("6.1.0-56-amd64");
        assertThat(file.info().vermagic()).endsWith("modversions ");
        assertThat(file.info().values().get("description")).containsExactly("two\nlines");
        assertThat(file.symbolVersions()).containsExactly(new SymbolVersion("module_layout", 0xbb6dfbbd));
        assertThat(file.arch()).contains("x86_64");
        assertThat(file.signed()).isFalse();
    }

    @Test
    void signature_and_compression_do_not_change_the_body() throws Exception {
        Digest body = Digest.of(MODULE);
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
            out.write(ModuleFixture.signed(MODULE, 415));
        }
        ByteArrayOutputStream xz = new ByteArrayOutputStream();
        try (XZOutputStream out = new XZOutputStream(xz, new LZMA2Options(1))) {
            out.write(MODULE);
        }
        ByteArrayOutputStream zstd = new ByteArrayOutputStream();
        try (ZstdOutputStream out = new ZstdOutputStream(zstd)) {
            out.write(MODULE);
        }

        assertThat(ModuleFile.read(ModuleFixture.signed(MODULE, 415)).body()).isEqualTo(body);
        assertThat(ModuleFile.read(ModuleFixture.signed(MODULE, 415)).signed()).isTrue();
        assertThat(ModuleFile.read(gzip.toByteArray()).body()).isEqualTo(body);
        assertThat(ModuleFile.read(gzip.toByteArray()).compression()).isEqualTo(Compression.GZIP);
        assertThat(ModuleFile.read(xz.toByteArray()).body()).isEqualTo(body);
        assertThat(ModuleFile.read(xz.toByteArray()).compression()).isEqualTo(Compression.XZ);
        assertThat(ModuleFile.read(zstd.toByteArray()).body()).isEqualTo(body);
        assertThat(ModuleFile.read(zstd.toByteArray()).compression()).isEqualTo(Compression.ZSTD);
    }

    @Test
    void a_module_cut_off_at_any_byte_is_no_module() {
        for (int length = 0; length < MODULE.length; length++) {
            byte[] cut = Arrays.copyOf(MODULE, length);
            assertThatExceptionOfType(NotAModule.class).as("cut at %d", length).isThrownBy(() -> ModuleFile.read(cut));
        }
    }

    @Test
    void whatever_bytes_are_changed_it_is_read_or_refused_and_never_fails_otherwise() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] changed = MODULE.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            try {
                ModuleFile.read(changed);
            } catch (NotAModule e) {
                assertThat(e).as("seed %d", seed).hasMessageContaining("Expected");
            }
        }
    }

    @Test
    void what_the_kernel_would_not_take_is_refused_with_the_reason() {
        refused(ModuleFixture.module("m", "6.1").without("vermagic"), "'vermagic'");
        refused(ModuleFixture.module("m", "6.1").without("name"), "'name'");
        refused(ModuleFixture.module("m", "6.1").withoutThisModule(), ".gnu.linkonce.this_module");
        refused(ModuleFixture.module("m", "6.1").section(".modinfo", "name=other\0".getBytes()), ".modinfo");
        refused(ModuleFixture.module("m", "6.1").withoutVersions().section("__versions", new byte[63]), "64 bytes");
    }

    @Test
    void a_signature_longer_than_the_file_is_refused() {
        byte[] signed = ModuleFixture.signed(MODULE, 415);
        for (int at = 0; at < 2; at++) {
            byte[] changed = signed.clone();
            changed[signed.length - 28 - 4 + at] = (byte) 0xff;
            assertThatExceptionOfType(NotAModule.class)
                    .isThrownBy(() -> ModuleFile.read(changed))
                    .withMessageContaining("signature");
        }
        byte[] anotherForm = signed.clone();
        anotherForm[signed.length - 28 - 12 + 2] = 1;
        assertThatExceptionOfType(NotAModule.class)
                .isThrownBy(() -> ModuleFile.read(anotherForm))
                .withMessageContaining("PKCS#7");
    }

    @Test
    void every_byte_of_the_trailer_counts() throws Exception {
        byte[] signed = ModuleFixture.signed(MODULE, 415);
        int struct = signed.length - 28 - 12;
        for (int at = struct; at < struct + 8; at++) {
            byte[] changed = signed.clone();
            changed[at] ^= 0x40;
            assertThatExceptionOfType(NotAModule.class)
                    .as("byte %d", at - struct)
                    .isThrownBy(() -> ModuleFile.read(changed))
                    .withMessageContaining("PKCS#7");
        }
        for (int length : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, struct, struct + 1}) {
            byte[] changed = signed.clone();
            ByteBuffer.wrap(changed).putInt(struct + 8, length);
            assertThatExceptionOfType(NotAModule.class)
                    .as("length %d", length)
                    .isThrownBy(() -> ModuleFile.read(changed))
                    .withMessageContaining("signature");
        }
        byte[] onlyTrailer = Arrays.copyOfRange(signed, struct, signed.length);
        byte[] onlyMarker = Arrays.copyOfRange(signed, struct + 12, signed.length);
        for (byte[] file : new byte[][] {onlyTrailer, onlyMarker}) {
            assertThatExceptionOfType(NotAModule.class).isThrownBy(() -> ModuleFile.read(file));
        }
    }

    @Test
    void a_bomb_is_refused_whatever_it_is_made_with() throws Exception {
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        ByteArrayOutputStream xz = new ByteArrayOutputStream();
        ByteArrayOutputStream zstd = new ByteArrayOutputStream();
        try (GZIPOutputStream first = new GZIPOutputStream(gzip);
                XZOutputStream second = new XZOutputStream(xz, new LZMA2Options(0));
                ZstdOutputStream third = new ZstdOutputStream(zstd)) {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i <= Compression.MAX_BYTES >> 20; i++) {
                first.write(zeros);
                second.write(zeros);
                third.write(zeros);
            }
        }
        for (ByteArrayOutputStream bomb : List.of(gzip, xz, zstd)) {
            assertThatExceptionOfType(NotAModule.class)
                    .isThrownBy(() -> ModuleFile.read(bomb.toByteArray()))
                    .withMessageContaining("at most");
        }
        ByteArrayOutputStream hungry = new ByteArrayOutputStream();
        LZMA2Options options = new LZMA2Options(1);
        options.setDictSize(256 << 20);
        try (XZOutputStream out = new XZOutputStream(hungry, options)) {
            out.write(MODULE);
        }
        assertThatExceptionOfType(NotAModule.class)
                .isThrownBy(() -> ModuleFile.read(hungry.toByteArray()))
                .withMessageContaining("XZ");
    }

    @Test
    void a_bomb_costs_little_memory_and_less_than_a_second() throws Exception {
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        ByteArrayOutputStream xz = new ByteArrayOutputStream();
        ByteArrayOutputStream zstd = new ByteArrayOutputStream();
        try (GZIPOutputStream first = new GZIPOutputStream(gzip);
                XZOutputStream second = new XZOutputStream(xz, new LZMA2Options(0));
                ZstdOutputStream third = new ZstdOutputStream(zstd)) {
            for (OutputStream out : List.of(first, second, third)) {
                out.write(new byte[16 << 20]);
            }
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (ByteArrayOutputStream bomb : List.of(gzip, xz, zstd)) {
            long allocated = threads.getCurrentThreadAllocatedBytes();
            long spent = threads.getCurrentThreadCpuTime();
            assertThatExceptionOfType(NotAModule.class)
                    .isThrownBy(() -> ModuleFile.read(bomb.toByteArray()))
                    .withMessageContaining("at most");
            assertThat(threads.getCurrentThreadCpuTime() - spent).isLessThan(1_000_000_000L);
            assertThat(threads.getCurrentThreadAllocatedBytes() - allocated).isLessThan(32L << 20);
        }
    }

    @Test
    void a_zstd_frame_takes_no_memory_for_sizes_that_no_module_has() {
        String runs = "626262".repeat(47);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (String hex : List.of(
                // Runs of 800 KB, where a block has 128 KiB at most; it says that there are 1.6 GB of them, or nothing.
                "28b52ffda4" + "62".repeat(4) + runs + "002e0000000000000000013b010000" + "0899e9d851",
                "28b52ffd0060" + "6262".repeat(64) + "010000",
                // 4 GiB and more, of nothing.
                "28b52ffda0ffffffff010000",
                "28b52ffde00000000001000000010000")) {
            byte[] frame = HexFormat.of().parseHex(hex);
            long allocated = threads.getCurrentThreadAllocatedBytes();
            assertThatExceptionOfType(NotAModule.class)
                    .as(hex)
                    .isThrownBy(() -> ModuleFile.read(frame))
                    .withMessageContaining("at most");
            assertThat(threads.getCurrentThreadAllocatedBytes() - allocated)
                    .as(hex)
                    .isLessThan(32L << 20);
        }
    }

    @Test
    void nothing_hides_behind_compressed_data() throws Exception {
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        ByteArrayOutputStream xz = new ByteArrayOutputStream();
        ByteArrayOutputStream zstd = new ByteArrayOutputStream();
        try (GZIPOutputStream first = new GZIPOutputStream(gzip);
                XZOutputStream second = new XZOutputStream(xz, new LZMA2Options(0));
                ZstdOutputStream third = new ZstdOutputStream(zstd)) {
            first.write(MODULE);
            second.write(MODULE);
            third.write(MODULE);
        }
        for (ByteArrayOutputStream whole : List.of(gzip, xz, zstd)) {
            byte[] once = whole.toByteArray();
            // The same again, and a frame that zstd passes over.
            for (byte[] more : List.of(once, HexFormat.of().parseHex("502a4d180100000000"), new byte[1])) {
                ByteArrayOutputStream both = new ByteArrayOutputStream();
                both.writeBytes(once);
                both.writeBytes(more);
                assertThatExceptionOfType(NotAModule.class)
                        .isThrownBy(() -> ModuleFile.read(both.toByteArray()))
                        .withMessageContaining("bytes follow it");
            }
        }
    }

    @Test
    void compressed_data_cut_off_at_any_byte_is_no_module() throws Exception {
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        ByteArrayOutputStream xz = new ByteArrayOutputStream();
        ByteArrayOutputStream zstd = new ByteArrayOutputStream();
        try (GZIPOutputStream first = new GZIPOutputStream(gzip);
                XZOutputStream second = new XZOutputStream(xz, new LZMA2Options(0));
                ZstdOutputStream third = new ZstdOutputStream(zstd)) {
            first.write(MODULE);
            second.write(MODULE);
            third.write(MODULE);
        }
        for (ByteArrayOutputStream whole : List.of(gzip, xz, zstd)) {
            for (int length = 0; length < whole.size(); length++) {
                byte[] cut = Arrays.copyOf(whole.toByteArray(), length);
                assertThatExceptionOfType(NotAModule.class)
                        .as("cut at %d of %d", length, whole.size())
                        .isThrownBy(() -> ModuleFile.read(cut));
            }
        }
    }

    @Test
    void what_a_module_asks_of_a_kernel_are_its_flags_the_size_of_its_struct_and_its_crcs() throws Exception {
        KernelInterface needs = ModuleFile.read(ModuleFixture.module("toy", "6.1.0-56-amd64")
                        .importing("module_layout", 0x0b6dfbbd)
                        .bytes())
                .needs()
                .orElseThrow();

        assertThat(needs.flags()).isEqualTo("SMP preempt mod_unload modversions");
        assertThat(needs.moduleSize()).isEqualTo(896);
        assertThat(needs.crcs()).containsExactly(Map.entry("module_layout", "0b6dfbbd"));
    }

    @Test
    void a_module_without_crcs_says_nothing_of_the_kernels_it_fits() throws Exception {
        assertThat(ModuleFile.read(ModuleFixture.module("toy", "6.1.0-56-amd64")
                                .withoutVersions()
                                .bytes())
                        .needs())
                .isEmpty();
    }

    private static void refused(ModuleFixture fixture, String reason) {
        assertThatExceptionOfType(NotAModule.class)
                .isThrownBy(() -> ModuleFile.read(fixture.bytes()))
                .withMessageContaining(reason);
    }
}
