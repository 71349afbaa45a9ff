package io.kmodfleet.agent.service;

import io.kmodfleet.agent.Agent;
import io.kmodfleet.agent.Labels;
import io.kmodfleet.agent.host.HostRoot;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;

/** The settings of {@code /etc/kmodfleet/agent.conf}, as systemd hands them over. */
final class ServiceSettings {

    private static final String PREFIX = "KMODFLEET_";
    private static final Duration LOOK_EVERY = Duration.ofHours(1);
    private static final Duration HEARTBEAT_EVERY = Duration.ofMinutes(1);
    private static final Set<String> YES = Set.of("yes", "true", "1");
    private static final Set<String> NO = Set.of("no", "false", "0", "");

    private final Map<String, String> environment;

    private ServiceSettings(Map<String, String> environment) {
        this.environment = environment;
    }

    /** @throws IllegalArgumentException with a sentence that names the setting */
    static Agent.Settings of(Map<String, String> environment, Path systemRoot) {
        ServiceSettings settings = new ServiceSettings(environment);
        HostRoot root = new HostRoot(Path.of(settings.text("ROOT", systemRoot.toString())));
        return new Agent.Settings(
                root,
                Path.of(settings.text("STATE", root.at("/var/lib/kmodfleet").toString())),
                settings.labels(),
                settings.text("KAFKA", "127.0.0.1:7072"),
                settings.address("STORE", "http://127.0.0.1:7071"),
                settings.flag("OBSERVE"),
                settings.flag("ENABLE_DKMS"),
                Path.of(settings.text("PACKAGES_DIR", "/root/dattobd_dkms_build_pacakges")),
                settings.seconds("LOOK_EVERY", LOOK_EVERY),
                settings.seconds("HEARTBEAT_EVERY", HEARTBEAT_EVERY));
    }

    private String text(String name, String otherwise) {
        String value = environment.getOrDefault(PREFIX + name, "").strip();
        return value.isEmpty() ? otherwise : value;
    }

    private SortedMap<String, String> labels() {
        try {
            return Labels.of(text("LABELS", ""), List.of());
        } catch (RuntimeException e) {
            // A sentence of its own, that names the setting.
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private URI address(String name, String otherwise) {
        String value = text(name, otherwise);
        try {
            URI uri = new URI(value);
            if (Set.of("http", "https").contains(String.valueOf(uri.getScheme())) && uri.getHost() != null) {
                return uri;
            }
        } catch (java.net.URISyntaxException e) {
            // Said below.
        }
        throw unusable(name, "an address as http://store.example:7071", value);
    }

    private boolean flag(String name) {
        String value = text(name, "");
        if (YES.contains(value)) {
            return true;
        }
        if (NO.contains(value)) {
            return false;
        }
        throw unusable(name, "yes or no", value);
    }

    private Duration seconds(String name, Duration otherwise) {
        String value = text(name, Long.toString(otherwise.toSeconds()));
        try {
            return Duration.ofSeconds(Math.max(1, Integer.parseInt(value)));
        } catch (NumberFormatException e) {
            throw unusable(name, "seconds, as 900", value);
        }
    }

    private static IllegalArgumentException unusable(String name, String expected, String value) {
        return new IllegalArgumentException("Expected " + expected + " in " + PREFIX + name + ", but got '"
                + value.replaceAll("\\p{Cntrl}", "?") + "'. Correct /etc/kmodfleet/agent.conf.");
    }
}
