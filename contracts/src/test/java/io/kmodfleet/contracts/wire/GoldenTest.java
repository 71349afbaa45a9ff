package io.kmodfleet.contracts.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Samples;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What is on the wire today must be readable for ever: golden files are added, never changed. A missing one is written by
 * {@code ./mvnw -pl contracts test -Dgolden=add}.
 */
class GoldenTest {

    private static final Path FILES = Path.of("src/test/resources/golden");

    @Test
    void every_observation_is_written_as_before_and_what_was_written_is_read() throws IOException {
        for (Observation observation : Samples.observations()) {
            assertGolden(nameOf(Observation.class, observation), observation, Observation.class);
        }
    }

    @Test
    void every_decision_and_the_command_that_carries_it_out_are_written_as_before() throws IOException {
        for (Decision decision : Samples.decisions()) {
            assertGolden("decision-" + nameOf(Decision.class, decision), decision, Decision.class);
            Command command = Command.carryingOut(decision);
            String name = "command-" + nameOf(Command.class, command) + "-" + nameOf(Decision.class, decision);
            assertGolden(name, command, Command.class);
        }
        Decision.Keep inactive =
                new Decision.Keep(Samples.ID, Samples.SUBJECT, Reason.NOT_ACTIVATED, List.of(Fact.of("loaded", "no")));
        assertGolden("command-activate-module-keep", Command.carryingOut(inactive), Command.class);
        Decision.Reuse reuse = Samples.decisions().stream()
                .filter(Decision.Reuse.class::isInstance)
                .map(Decision.Reuse.class::cast)
                .findFirst()
                .orElseThrow();
        assertGolden(
                "command-install-package-self-test",
                new Command.InstallPackage(reuse, Optional.of(true)),
                Command.class);
        assertGolden("command-acknowledge", new Command.Acknowledge(Samples.HOST, 1795479567747L, 42), Command.class);
    }

    @Test
    void policy_and_manifest_are_written_as_before() throws IOException {
        assertGolden("policy", Samples.POLICY, Policy.class);
        assertGolden("policy-whole", Samples.WHOLE_POLICY, Policy.class);
        assertGolden("policy-approvals", Samples.APPROVED_POLICY, Policy.class);
        assertGolden("manifest", Samples.MANIFEST, PackageManifest.class);
        assertGolden("manifest-by-hand", Samples.MANIFEST_BY_HAND, PackageManifest.class);
    }

    @Test
    void heartbeats_are_written_as_before() throws IOException {
        assertGolden("heartbeat", Samples.HEARTBEAT, Heartbeat.class);
        assertGolden(
                "heartbeat-short",
                new Heartbeat(Samples.HOST, "0.1.0", OptionalLong.empty(), 0, Optional.empty()),
                Heartbeat.class);
    }

    @Test
    void what_later_versions_added_is_left_out_where_it_is_not_said_and_written_where_it_is() throws IOException {
        assertGolden(
                "host-reported-whole",
                new Observation.HostReported(Samples.HOST, Samples.wholeReport()),
                Observation.class);
        assertGolden(
                "package-stored-whole",
                new Observation.PackageStored(
                        Samples.digest("package"),
                        Samples.TARGET,
                        "v4l2loopback",
                        "0.12.7",
                        List.of(Samples.digest("body")),
                        Optional.of(Samples.KERNEL_INTERFACE)),
                Observation.class);
    }

    @Test
    void the_samples_show_every_type_there_is() {
        List<Object> samples = new ArrayList<>(Samples.observations());
        samples.addAll(Samples.decisions());
        for (Class<?> kind : List.of(Observation.class, Decision.class)) {
            for (JsonSubTypes.Type type : kind.getAnnotation(JsonSubTypes.class).value()) {
                assertThat(samples).anyMatch(sample -> sample.getClass() == type.value());
            }
        }
    }

    private static void assertGolden(String name, Object value, Class<?> type) throws IOException {
        Path file = FILES.resolve(name + ".json");
        if (Files.notExists(file) && "add".equals(System.getProperty("golden"))) {
            Files.createDirectories(FILES);
            Files.writeString(
                    file, FleetJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n");
        }
        JsonNode golden;
        try (InputStream in = Files.newInputStream(file)) {
            golden = FleetJson.mapper().readTree(in);
        }
        JsonNode written = FleetJson.mapper().readTree(FleetJson.writeBytes(value));
        assertThat(written).as(name).isEqualTo(golden);
        assertThat((Object) FleetJson.mapper().treeToValue(golden, type))
                .as(name)
                .isEqualTo(value);
    }

    private static String nameOf(Class<?> kind, Object value) {
        return Stream.of(kind.getAnnotation(JsonSubTypes.class).value())
                .filter(type -> type.value() == value.getClass())
                .map(JsonSubTypes.Type::name)
                .findFirst()
                .orElseThrow();
    }
}
