package io.kmodfleet.coordinator.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class PolicyDocumentTest {

    private static final String DEFAULT = read(Path.of("../deploy/policy/default.yaml"));

    @Test
    void the_default_policy_is_the_guides_table() {
        Policy policy = PolicyDocument.read(DEFAULT);

        assertThat(policy.systems())
                .extracting(rule -> rule.id() + " " + rule.version() + " since " + rule.since())
                .containsExactly(
                        "ubuntu 20.04 since 6.9",
                        "ubuntu 22.04 since 6.7",
                        "ubuntu 24.04 since 6.7",
                        "centos 8 since 6.10",
                        "centos 9 since 6.10");
        assertThat(policy.kernels().toString()).isEqualTo("5.15 to 6.8");
    }

    @Test
    void everything_that_a_policy_can_say_passes_the_schema_as_json_and_as_yaml() throws IOException {
        assertThat(PolicyDocument.read(FleetJson.write(Samples.WHOLE_POLICY))).isEqualTo(Samples.WHOLE_POLICY);
        assertThat(PolicyDocument.read(FleetJson.yaml().writeValueAsString(Samples.WHOLE_POLICY)))
                .isEqualTo(Samples.WHOLE_POLICY);
    }

    @Test
    void every_fault_is_named_with_its_line_and_place() {
        String document = DEFAULT.replace("from: \"5.15\"", "from: five")
                .replace("limits: {failuresPerTarget: 2}", "limits: {failuresPerTarget: 0}\nwaves: [10]");
        int line = DEFAULT.substring(0, DEFAULT.indexOf("limits:")).split("\n", -1).length;

        assertThatThrownBy(() -> PolicyDocument.read(document))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("kernels.from")
                .hasMessageContaining("line " + line + ": limits.failuresPerTarget")
                .hasMessageContaining("waves");
    }

    @Test
    void what_a_schema_cannot_say_is_said_with_its_line_too() {
        String document = DEFAULT + "\nrollout: {waves: [50, 10], failurePercent: 5}\n";

        assertThatThrownBy(() -> PolicyDocument.read(document))
                .hasMessageContaining("line ")
                .hasMessageContaining("ascending percentages");
    }

    @Test
    void a_window_that_nobody_defined_is_named() {
        String document = DEFAULT + "\ngroups: [{name: all, window: nights}]\n";

        assertThatThrownBy(() -> PolicyDocument.read(document)).hasMessageContaining("nights");
    }

    @Test
    void no_yaml_an_empty_document_and_a_key_twice_are_refused() {
        assertThatThrownBy(() -> PolicyDocument.read("")).hasMessageContaining("empty");
        assertThatThrownBy(() -> PolicyDocument.read("a: [")).hasMessageContaining("line ");
        assertThatThrownBy(() -> PolicyDocument.read(DEFAULT + "\nmodules: []\n"))
                .isInstanceOf(Problem.class);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
