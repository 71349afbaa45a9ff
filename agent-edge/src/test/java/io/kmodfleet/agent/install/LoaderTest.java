package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.HostPrograms.Outcome;
import org.junit.jupiter.api.Test;

class LoaderTest {

    @Test
    void what_the_kernel_refuses_is_said_in_the_last_words_of_modprobe() {
        assertThat(Loader.said(new Outcome(1, "modprobe: WARNING: a warning\nmodprobe: ERROR: Exec format error\n\n")))
                .isEqualTo("modprobe: ERROR: Exec format error");
    }

    @Test
    void a_modprobe_that_hangs_has_no_words_and_is_told_of_all_the_same() {
        assertThat(Loader.said(new Outcome(Outcome.TIMED_OUT, ""))).isEqualTo("modprobe did not end within 5 minutes");
    }
}
