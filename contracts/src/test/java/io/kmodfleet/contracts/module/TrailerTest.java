package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Threat 5: what can be wrong with what follows a module in its file. */
class TrailerTest {

    private static final byte[] MODULE =
            ModuleFixture.module("toy", "6.1.0-56-amd64").importing("kfree", 7).bytes();
    private static final byte[] SIGNED = ModuleFixture.signed(MODULE, 415);
    private static final byte[] MARKER = "~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII);
    private static final int STRUCT = SIGNED.length - MARKER.length - 12;

    @Test
    void each_malformed_trailer_is_refused_for_a_reason_of_its_own() {
        Map<String, byte[]> malformed = new LinkedHashMap<>();
        malformed.put("the marker alone", MARKER);
        malformed.put("no module before it", Arrays.copyOfRange(SIGNED, STRUCT, SIGNED.length));
        malformed.put("algo", with(STRUCT, 1));
        malformed.put("hash", with(STRUCT + 1, 4));
        malformed.put("PGP", with(STRUCT + 2, 0));
        malformed.put("X.509", with(STRUCT + 2, 1));
        malformed.put("an unknown form", with(STRUCT + 2, 3));
        malformed.put("signer_len", with(STRUCT + 3, 5));
        malformed.put("key_id_len", with(STRUCT + 4, 20));
        malformed.put("pad 0", with(STRUCT + 5, 1));
        malformed.put("pad 1", with(STRUCT + 6, 1));
        malformed.put("pad 2", with(STRUCT + 7, 1));
        malformed.put("sig_len of nothing", length(0));
        malformed.put("sig_len beyond the file", length(STRUCT + 1));
        malformed.put("sig_len above 2^31", length(-1));
        malformed.put("sig_len of the whole file", length(STRUCT));
        malformed.put("a signature too long to be one", ModuleFixture.signed(MODULE, 16 * 1024 + 1));
        malformed.put("a signature that is no DER", ModuleFixture.signed(MODULE, new byte[415]));
        malformed.put("a signature of one byte", ModuleFixture.signed(MODULE, new byte[] {0x30}));
        malformed.put("an indefinite length", ModuleFixture.signed(MODULE, new byte[] {0x30, (byte) 0x80, 0, 0}));
        malformed.put("a signature cut off", ModuleFixture.signed(MODULE, cutOff()));
        malformed.put("something behind the signature", ModuleFixture.signed(MODULE, Arrays.copyOf(sequence(), 416)));
        malformed.put("two trailers", ModuleFixture.signed(SIGNED, 415));
        malformed.put(
                "something before the signature", ModuleFixture.signed(Arrays.copyOf(MODULE, MODULE.length + 3), 415));
        malformed.put("something behind the marker", Arrays.copyOf(SIGNED, SIGNED.length + 1));
        malformed.put("a marker without its line end", Arrays.copyOf(SIGNED, SIGNED.length - 1));

        Set<String> reasons = new HashSet<>();
        malformed.forEach((what, file) -> {
            NotAModule refused = catchThrowableOfType(NotAModule.class, () -> ModuleFile.read(file));
            assertThat(refused).as(what).isNotNull().hasMessageStartingWith("Expected ");
            assertThat(reasons.add(refused.getMessage()))
                    .as(what + ": " + refused.getMessage())
                    .isTrue();
        });
        assertThat(reasons).hasSizeGreaterThanOrEqualTo(20);
    }

    @Test
    void a_signature_is_cut_off_and_the_body_stays() throws Exception {
        Trailer trailer = Trailer.of(SIGNED);

        assertThat(trailer.bodyLength()).isEqualTo(MODULE.length);
        assertThat(trailer.signature().orElseThrow()).isEqualTo(ByteBuffer.wrap(sequence()));
        assertThat(Trailer.of(MODULE).signature()).isEmpty();
    }

    private static byte[] sequence() {
        return ModuleFixture.sequence(415);
    }

    private static byte[] cutOff() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(Arrays.copyOf(sequence(), 200));
        return out.toByteArray();
    }

    private static byte[] with(int at, int value) {
        return ModuleFixture.patched(SIGNED, at, (byte) value);
    }

    private static byte[] length(int value) {
        return ModuleFixture.patched(
                SIGNED, STRUCT + 8, ByteBuffer.allocate(4).putInt(value).array());
    }
}
