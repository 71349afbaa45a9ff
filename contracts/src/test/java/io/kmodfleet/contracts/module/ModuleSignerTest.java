package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ModuleSignerTest {

    private static final byte[] SIGNED_DATA = HexFormat.of().parseHex("2a864886f70d010702");
    private static final byte[] DATA = HexFormat.of().parseHex("2a864886f70d010701");

    @Test
    void a_signature_that_names_issuer_and_serial_is_told_by_the_serial_number_without_its_leading_zero()
            throws NotAModule {
        byte[] module = ModuleFixture.module("toy", "6.1.0-50-amd64").bytes();
        byte[] signature = signature(issuerAndSerial("fleet key", HexFormat.of().parseHex("00f54e")));

        ModuleFile file = ModuleFile.read(ModuleFixture.signed(module, signature));

        assertThat(file.signer()).contains(new ModuleSigner("f54e", Optional.of("fleet key")));
    }

    @Test
    void a_signature_that_names_a_key_id_is_told_by_it() {
        byte[] signature = signature(der(0x80, HexFormat.of().parseHex("00aabb")));

        assertThat(ModuleSigner.of(ByteBuffer.wrap(signature))).contains(new ModuleSigner("00aabb", Optional.empty()));
    }

    @Test
    void a_signature_with_two_signers_or_none_names_nobody() {
        byte[] signer = der(0x30, der(0x02, new byte[] {1}), der(0x80, new byte[] {7}));

        assertThat(ModuleSigner.of(ByteBuffer.wrap(container(signer, signer)))).isEmpty();
        assertThat(ModuleSigner.of(ByteBuffer.wrap(container()))).isEmpty();
    }

    @Test
    void a_signature_cut_off_or_changed_anywhere_is_read_or_not_and_never_more_than_that() {
        byte[] whole = signature(issuerAndSerial("fleet key", new byte[] {7}));
        for (int length = 0; length < whole.length; length++) {
            assertThat(ModuleSigner.of(ByteBuffer.wrap(Arrays.copyOf(whole, length))))
                    .isEmpty();
        }
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            byte[] changed = whole.clone();
            for (int i = 0; i < 3; i++) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            assertThat(ModuleSigner.of(ByteBuffer.wrap(changed)))
                    .as("seed " + seed)
                    .isNotNull();
        }
    }

    @Test
    void a_build_id_is_the_note_that_the_linker_leaves() throws NotAModule {
        byte[] note = HexFormat.of().parseHex("04000000" + "03000000" + "03000000" + "474e5500" + "a1b2c300");

        assertThat(ModuleFile.read(ModuleFixture.module("toy", "6.1.0-50-amd64")
                                .section(".note.gnu.build-id", note)
                                .bytes())
                        .buildId())
                .contains("a1b2c3");
        assertThat(ModuleFile.read(ModuleFixture.module("toy", "6.1.0-50-amd64").bytes())
                        .buildId())
                .isEmpty();
    }

    private static byte[] issuerAndSerial(String name, byte[] serial) {
        byte[] attribute =
                der(0x30, der(0x06, new byte[] {0x55, 0x04, 0x03}), der(0x0c, name.getBytes(StandardCharsets.UTF_8)));
        return der(0x30, der(0x30, der(0x31, attribute)), der(0x02, serial));
    }

    private static byte[] signature(byte[] sid) {
        return container(der(0x30, der(0x02, new byte[] {1}), sid, der(0x04, new byte[256])));
    }

    private static byte[] container(byte[]... signers) {
        byte[] signed = der(
                0x30,
                der(0x02, new byte[] {1}),
                der(0x31, new byte[0]),
                der(0x30, der(0x06, DATA)),
                der(0x31, signers));
        return der(0x30, der(0x06, SIGNED_DATA), der(0xa0, signed));
    }

    private static byte[] der(int tag, byte[]... contents) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] part : contents) {
            content.writeBytes(part);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.size() > 0x7f) {
            out.write(0x82);
            out.write(content.size() >> 8);
        }
        out.write(content.size());
        out.writeBytes(content.toByteArray());
        return out.toByteArray();
    }
}
