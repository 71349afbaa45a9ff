package io.kmodfleet.store.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.pack.Refusal;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class InputKindTest {

    @Test
    void a_list_of_symbols_of_either_age_is_one() throws Refusal {
        InputKind.SYMVERS.check(bytes("0x4c9d28b0\tphys_base\tvmlinux\tEXPORT_SYMBOL\t\n".repeat(100)));
        InputKind.SYMVERS.check(bytes("0x4c9d28b0\tphys_base\tvmlinux\tEXPORT_SYMBOL\n".repeat(100)));
    }

    @Test
    void a_map_of_zeros_is_none() {
        refuses(InputKind.SYMBOL_MAP, "0000000000000000 T _text\n".repeat(2_000));
        refuses(InputKind.SYMBOL_MAP, "ffffffffffffffff B The real System.map is in the linux-image-dbg package\n");
    }

    @Test
    void a_configuration_names_the_compiler() throws Refusal {
        byte[] config = bytes("CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0\"\n"
                + "CONFIG_MODVERSIONS=y\n".repeat(100));

        InputKind.CONFIG.check(config);

        assertThat(InputKind.CONFIG.compiler(config)).contains("gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0");
        assertThat(InputKind.SYMVERS.compiler(config)).isEmpty();
    }

    @Test
    void anything_else_is_refused_with_what_was_expected() {
        for (InputKind kind : InputKind.values()) {
            refuses(kind, "");
            refuses(kind, "hello\n".repeat(5_000));
        }
    }

    private static void refuses(InputKind kind, String text) {
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> kind.check(bytes(text)))
                .withMessageContaining("Expected at least")
                .matches(refusal -> refusal.rule() == Refusal.Rule.NOT_AN_INPUT);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
