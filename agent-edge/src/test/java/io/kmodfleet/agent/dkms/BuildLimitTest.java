package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class BuildLimitTest {

    @Test
    void a_build_may_take_half_an_hour_where_nobody_says_otherwise() throws Exception {
        assertThat(BuildLimit.of(null)).isEqualTo(Duration.ofMinutes(30));
        assertThat(BuildLimit.of("90")).isEqualTo(Duration.ofMinutes(90));
    }

    @Test
    void what_is_no_number_of_minutes_is_refused_with_the_name_of_the_setting() {
        for (String wrong : List.of("0", "-1", "ten", "1441", "1e3")) {
            assertThatThrownBy(() -> BuildLimit.of(wrong)).hasMessageContaining("KMODFLEET_BUILD_MINUTES");
        }
    }
}
