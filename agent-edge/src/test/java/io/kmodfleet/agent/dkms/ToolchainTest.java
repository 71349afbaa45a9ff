package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ToolchainTest {

    private static final String OWN = "gcc (Debian 12.2.0-14+deb12u1) 12.2.0";

    @Test
    void a_compiler_of_the_same_major_version_is_no_mismatch() {
        assertThat(Toolchain.mismatch("gcc-12 (Debian 12.2.0-14) 12.2.0\"", OWN, name -> false))
                .isEmpty();
    }

    @Test
    void a_compiler_of_another_major_version_is_named() {
        assertThat(Toolchain.mismatch("gcc (GCC) 11.4.1 20230605 (Red Hat 11.4.1-2)\"", OWN, name -> false))
                .hasValueSatisfying(words -> assertThat(words).contains("gcc (GCC) 11.4.1", OWN));
    }

    @Test
    void the_very_compiler_that_the_kernel_names_is_used_whatever_gcc_is() {
        assertThat(Toolchain.mismatch("gcc-11 (Debian 11.3.0) 11.3.0\"", OWN, "gcc-11"::equals))
                .isEmpty();
    }

    @Test
    void what_names_no_version_says_nothing() {
        assertThat(Toolchain.mismatch("", OWN, name -> false)).isEmpty();
        assertThat(Toolchain.mismatch("gcc-12 12.2.0\"", "unknown", name -> false))
                .isEmpty();
    }
}
