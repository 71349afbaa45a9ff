package io.kmodfleet.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.agent.Agent;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ServiceSettingsTest {

    @Test
    void without_settings_it_reuses_and_builds_nothing() {
        Agent.Settings settings = of(Map.of());

        assertThat(settings.enableDkms()).isFalse();
        assertThat(settings.observeOnly()).isFalse();
        assertThat(settings.kafka()).isEqualTo("127.0.0.1:7072");
        assertThat(settings.state()).isEqualTo(Path.of("/nowhere/var/lib/kmodfleet"));
        assertThat(settings.lookEvery()).isEqualTo(Duration.ofHours(1));
        assertThat(settings.heartbeatEvery()).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void every_setting_of_the_file_counts() {
        Agent.Settings settings = of(Map.of(
                "KMODFLEET_KAFKA", "kafka.example:9092",
                "KMODFLEET_STORE", "https://store.example:7071",
                "KMODFLEET_LABELS", "role=database,site=berlin",
                "KMODFLEET_ENABLE_DKMS", "yes",
                "KMODFLEET_OBSERVE", "true",
                "KMODFLEET_STATE", "/elsewhere",
                "KMODFLEET_LOOK_EVERY", "60",
                "KMODFLEET_HEARTBEAT_EVERY", "20"));

        assertThat(settings.kafka()).isEqualTo("kafka.example:9092");
        assertThat(settings.store()).isEqualTo(URI.create("https://store.example:7071"));
        assertThat(settings.labels()).containsEntry("role", "database").containsEntry("site", "berlin");
        assertThat(settings.enableDkms()).isTrue();
        assertThat(settings.observeOnly()).isTrue();
        assertThat(settings.state()).isEqualTo(Path.of("/elsewhere"));
        assertThat(settings.lookEvery()).isEqualTo(Duration.ofSeconds(60));
        assertThat(settings.heartbeatEvery()).isEqualTo(Duration.ofSeconds(20));
    }

    @Test
    void a_setting_that_is_none_is_named() {
        assertThatThrownBy(() -> of(Map.of("KMODFLEET_ENABLE_DKMS", "maybe")))
                .hasMessageContaining("KMODFLEET_ENABLE_DKMS")
                .hasMessageContaining("Expected yes or no");
        assertThatThrownBy(() -> of(Map.of("KMODFLEET_STORE", "store.example:7071")))
                .hasMessageContaining("KMODFLEET_STORE");
        assertThatThrownBy(() -> of(Map.of("KMODFLEET_LOOK_EVERY", "often")))
                .hasMessageContaining("KMODFLEET_LOOK_EVERY");
        assertThatThrownBy(() -> of(Map.of("KMODFLEET_LABELS", "database")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("KMODFLEET_LABELS");
    }

    private static Agent.Settings of(Map<String, String> environment) {
        return ServiceSettings.of(environment, Path.of("/nowhere"));
    }
}
