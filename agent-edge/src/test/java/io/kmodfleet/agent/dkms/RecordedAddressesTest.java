package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.agent.dkms.RecordedAddresses.Wrong;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RecordedAddressesTest {

    @Test
    void addresses_are_read_and_everything_else_in_a_header_is_passed_over() throws Exception {
        RecordedAddresses found = RecordedAddresses.in(List.of("""
                #ifndef CONFIG_H
                #define CONFIG_H
                #define HAVE_BIO
                #define BASE_ADDR (OTHER + 4)
                #define KFREE_ADDR 0xffffffff81234560
                # define PRINTK_ADDR 0xffffffff81000010UL
                #endif
                """));

        assertThat(found.addresses())
                .containsEntry("KFREE", 0xffffffff81234560L)
                .containsEntry("PRINTK", 0xffffffff81000010L)
                .hasSize(2);
    }

    @Test
    void an_address_on_two_lines_is_a_symbol_that_stands_twice() {
        assertThatThrownBy(() -> RecordedAddresses.in(List.of("#define A_ADDR 0xffffffff81234560\nffffffff81999990\n")))
                .isInstanceOf(Wrong.class)
                .hasMessageContaining("A, but the build recorded 'ffffffff81999990' too");
    }

    @Test
    void a_symbol_that_is_recorded_twice_is_refused_also_in_two_headers() {
        assertThatThrownBy(() -> RecordedAddresses.in(
                        List.of("#define A_ADDR 0xffffffff81000010", "#define A_ADDR 0xffffffff81000020")))
                .isInstanceOf(Wrong.class)
                .hasMessageContaining("twice");
    }

    @Test
    void what_is_no_address_is_refused() {
        for (String value : List.of("0x", "0xffffffff81000010 ffffffff81000020", "0x11112222333344445")) {
            assertThatThrownBy(() -> RecordedAddresses.in(List.of("#define A_ADDR " + value)))
                    .isInstanceOf(Wrong.class);
        }
    }

    @Test
    void without_a_map_no_zero_is_believed() throws Exception {
        RecordedAddresses found =
                RecordedAddresses.in(List.of("#define A_ADDR 0xffffffff81000010\n#define B_ADDR 0x0\n"));

        assertThatThrownBy(() -> found.check(Optional.empty()))
                .isInstanceOf(Wrong.class)
                .hasMessageContaining("B");
    }

    @Test
    void a_build_that_recorded_nothing_has_recorded_nothing_wrong() throws Exception {
        RecordedAddresses.in(List.of("#define HAVE_BIO\n")).check(Optional.empty());
    }
}
