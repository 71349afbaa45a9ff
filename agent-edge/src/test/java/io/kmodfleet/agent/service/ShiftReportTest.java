package io.kmodfleet.agent.service;

import static io.kmodfleet.agent.Kernels.HOST;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ShiftReportTest {

    @Test
    void a_line_says_everything_that_the_report_does() {
        ShiftReport report = new ShiftReport(HOST, OptionalLong.of(42), Optional.of(Digest.of(new byte[] {1})), true);

        assertThat(ShiftReport.parse(report.line())).contains(report);
    }

    @Test
    void what_is_not_known_yet_stays_unknown() {
        ShiftReport report = new ShiftReport(HOST, OptionalLong.empty(), Optional.empty(), false);

        assertThat(ShiftReport.parse(report.line())).contains(report);
    }

    @Test
    void another_line_is_no_report() {
        assertThat(ShiftReport.parse("WARNING: something of the JVM's own")).isEmpty();
    }
}
