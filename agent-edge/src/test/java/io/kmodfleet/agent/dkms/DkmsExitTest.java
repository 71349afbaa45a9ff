package io.kmodfleet.agent.dkms;

import static io.kmodfleet.contracts.Observation.FailureClass.BUILD;
import static io.kmodfleet.contracts.Observation.FailureClass.INFRASTRUCTURE;
import static io.kmodfleet.contracts.Observation.FailureClass.NOT_APPLICABLE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class DkmsExitTest {

    private static final String LOG = """
            make -C /lib/modules/6.1.0-50-amd64/build M=/var/lib/dkms/m/1/build
            /var/lib/dkms/m/1/build/m.c:7:9: error: implicit declaration of function 'nowhere'
            /var/lib/dkms/m/1/build/m.c:9:9: error: expected ';'
            make[1]: *** [Makefile:2034: /var/lib/dkms/m/1/build] Error 2
            """;

    @Test
    void a_source_that_excludes_the_kernel_is_no_failed_build() {
        assertThat(DkmsExit.of(77, "").failureClass()).isEqualTo(NOT_APPLICABLE);
    }

    @Test
    void what_the_compiler_refuses_is_the_fault_of_the_build() {
        assertThat(DkmsExit.of(10, LOG).failureClass()).isEqualTo(BUILD);
        assertThat(DkmsExit.of(7, "").failureClass()).isEqualTo(BUILD);
    }

    @Test
    void missing_headers_a_signal_and_the_time_limit_are_the_fault_of_the_host() {
        assertThat(DkmsExit.of(21, "").failureClass()).isEqualTo(INFRASTRUCTURE);
        assertThat(DkmsExit.of(137, "").failureClass()).isEqualTo(INFRASTRUCTURE);
        assertThat(DkmsExit.of(127, "").failureClass()).isEqualTo(INFRASTRUCTURE);
        assertThat(DkmsExit.of(-1, "").failureClass()).isEqualTo(INFRASTRUCTURE);
    }

    @Test
    void a_full_disk_is_the_fault_of_the_host_although_the_code_is_that_of_a_wrong_source() {
        assertThat(DkmsExit.of(10, "as: m.o: No space left on device").failureClass())
                .isEqualTo(INFRASTRUCTURE);
    }

    @Test
    void what_was_done_before_is_no_failure() {
        assertThat(DkmsExit.of(3, "")).isEqualTo(DkmsExit.ALREADY);
        assertThat(DkmsExit.of(5, "")).isEqualTo(DkmsExit.ALREADY);
    }

    @Test
    void the_first_error_of_the_compiler_says_most() {
        assertThat(DkmsExit.tellingLine("Error! Bad return status for module build", Optional.of(LOG)))
                .isEqualTo("/var/lib/dkms/m/1/build/m.c:7:9: error: implicit declaration of function 'nowhere'");
    }

    @Test
    void without_a_compiler_the_last_error_of_dkms_says_most() {
        assertThat(DkmsExit.tellingLine("Error! first\nError! second\nConsult the log\n", Optional.empty()))
                .isEqualTo("Error! second");
    }

    @Test
    void a_line_never_carries_control_characters_or_more_than_a_screen_line() {
        assertThat(DkmsExit.tellingLine("Error! \u001b[31mred" + "x".repeat(1_000), Optional.empty()))
                .startsWith("Error! ?[31mred")
                .hasSizeLessThan(310);
    }
}
