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

    @Test
    void a_key_that_is_not_enrolled_or_a_locked_kernel_says_nothing_against_the_module() {
        for (String words : new String[] {
            "could not insert 'dattobd': Key was rejected by service",
            "could not insert 'dattobd': Required key not available",
            "could not insert 'dattobd': Operation not permitted",
            "Module dattobd not found in directory /lib/modules/6.1.0-50-amd64"
        }) {
            assertThat(Loader.liesInTheHost(new Outcome(1, "modprobe: ERROR: " + words)))
                    .as(words)
                    .isTrue();
        }
        for (String words : new String[] {"Exec format error", "Invalid argument", "Unknown symbol in module"}) {
            assertThat(Loader.liesInTheHost(new Outcome(1, "modprobe: ERROR: could not insert 'dattobd': " + words)))
                    .as(words)
                    .isFalse();
        }
    }
}
