package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LabelsTest {

    @Test
    void options_add_to_the_environment_and_win() {
        assertThat(Labels.of("role=web, site=a=b", List.of("role=database", "tier=")))
                .isEqualTo(Map.of("role", "database", "site", "a=b", "tier", ""));
    }

    @Test
    void a_label_without_a_value_is_refused_by_the_place_it_stands_in() {
        assertThatThrownBy(() -> Labels.of("", List.of("database")))
                .isInstanceOf(Trouble.class)
                .hasMessageContaining("--label")
                .hasMessageContaining("'database'");
    }

    @Test
    void a_name_that_could_become_an_option_is_refused() {
        assertThatThrownBy(() -> Labels.of("-x=1", List.of()))
                .isInstanceOf(Trouble.class)
                .hasMessageContaining("KMODFLEET_LABELS")
                .hasMessageContaining("Expected a label");
    }
}
