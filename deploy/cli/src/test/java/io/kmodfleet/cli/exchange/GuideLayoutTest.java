package io.kmodfleet.cli.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Samples;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuideLayoutTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            5.15.0-153-generic          | #163-Ubuntu SMP Thu Aug 7 16:37:18 UTC 2025             | ubuntu/22
            6.8.0-62-generic            | #65~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC Tue May 27 2025  | ubuntu/22
            6.8.0-62-generic            | #65-Ubuntu SMP PREEMPT_DYNAMIC Mon May 19 2025          | ubuntu/24
            5.15.0-139-generic          | #149~20.04.1-Ubuntu SMP Wed Apr 16 08:29:56 UTC 2025    | ubuntu/20
            6.1.0-56-amd64              | #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-10-01)    | debian/12
            4.18.0-553.el8_10.x86_64    | #1 SMP Fri May 24 13:05:10 UTC 2024                     | centos/8
            5.14.0-570.el9.x86_64       | #1 SMP PREEMPT_DYNAMIC                                  | centos/9
            """)
    void a_kernel_tells_whose_it_is(String release, String version, String system) {
        assertThat(GuideLayout.systemOf(target(release), Optional.of(version))).contains(system);
    }

    @Test
    void a_kernel_that_does_not_tell_has_no_place() {
        assertThat(GuideLayout.systemOf(target("6.6.1"), Optional.empty())).isEmpty();
        assertThat(GuideLayout.systemOf(target("6.11.0-8-generic"), Optional.of("#8-Ubuntu SMP")))
                .isEmpty();
    }

    private static BuildTarget target(String release) {
        return new BuildTarget(Samples.digest("source"), "x86_64", release, Samples.digest("image"));
    }
}
