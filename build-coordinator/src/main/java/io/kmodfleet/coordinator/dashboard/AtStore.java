package io.kmodfleet.coordinator.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.CoordinatorConfig;
import io.kmodfleet.coordinator.fleet.Problem;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** What only the store knows: in what builds differ, and whole logs. Asked when somebody looks, and never for a decision. */
@ApplicationScoped
class AtStore {

    private static final int PATIENCE_MILLIS = 5_000;
    private static final int MOST = 1000;
    private static final int LARGEST_ANSWER = 4 * 1024 * 1024;

    private final Optional<URI> store;

    @Inject
    AtStore(CoordinatorConfig config) {
        this(config.store());
    }

    AtStore(Optional<URI> store) {
        this.store = store;
    }

    /** @param loaded whether the kernel loads that section @param why that usually happens */
    record Difference(String file, String section, boolean loaded, String what, String why) {}

    /** Two packages of one target. @param open whether nobody has recalled one of them yet */
    record Diverged(Digest one, Digest other, boolean open, List<Difference> differences) {}

    /** @param cut whether there is more of it than is shown */
    record Log(List<String> lines, boolean cut) {}

    boolean isKnown() {
        return store.isPresent();
    }

    /**
     * Of the newest that the store knows, those between two of these packages.
     *
     * @throws Problem 502 where the store does not answer, 404 where none is set
     */
    List<Diverged> divergences(Collection<Digest> packages) {
        List<Diverged> found = new ArrayList<>();
        for (JsonNode item : json("/api/v1/divergences?limit=" + MOST).path("items")) {
            Digest one = Digest.parse(item.path("one").asText());
            Digest other = Digest.parse(item.path("other").asText());
            if (packages.contains(one) && packages.contains(other)) {
                List<Difference> differences = new ArrayList<>();
                for (JsonNode section : item.path("differences")) {
                    differences.add(new Difference(
                            section.path("file").asText(),
                            section.path("section").asText(),
                            section.path("loaded").asBoolean(),
                            section.path("what").asText(),
                            section.path("why").asText()));
                }
                found.add(new Diverged(one, other, item.path("open").asBoolean(), differences));
            }
        }
        return found;
    }

    /**
     * What the build of a package said.
     *
     * @throws Problem 404 where the store has no such package, 502 where it does not answer
     */
    Log logOf(Digest packageDigest) {
        for (JsonNode item :
                json("/api/v1/packages?limit=1&text=" + packageDigest.hex()).path("items")) {
            if (item.path("digest").asText().equals(packageDigest.toString())) {
                byte[] text = bytes("/api/v1/logs/"
                        + Digest.parse(item.path("log").asText()).hex());
                boolean cut = text.length > LARGEST_ANSWER;
                String shown = new String(text, 0, Math.min(text.length, LARGEST_ANSWER), StandardCharsets.UTF_8);
                return new Log(shown.lines().map(Say::plain).toList(), cut);
            }
        }
        throw new Problem(404, "No such package", "Expected the store to have package " + packageDigest);
    }

    private JsonNode json(String path) {
        try {
            return FleetJson.mapper().readTree(bytes(path));
        } catch (IOException e) {
            throw new Problem(
                    502, "The store is not understood", "Expected JSON from " + path + ", but " + e.getMessage());
        }
    }

    /** No more than are shown, and one. Waits for each part of the answer for so long at most. */
    private byte[] bytes(String path) {
        URI at = store.map(base -> URI.create(base.toString().replaceAll("/+$", "") + path))
                .orElseThrow(() -> new Problem(
                        404,
                        "The store is not set",
                        "Expected KMODFLEET_COORDINATOR_STORE to name the store, but it does not"));
        try {
            HttpURLConnection connection = (HttpURLConnection) at.toURL().openConnection();
            connection.setConnectTimeout(PATIENCE_MILLIS);
            connection.setReadTimeout(PATIENCE_MILLIS);
            int status = connection.getResponseCode();
            if (status == 404) {
                throw new Problem(404, "The store has none", "Expected the store to have " + path + ", but it has not");
            }
            if (status != 200) {
                throw new Problem(
                        502,
                        "The store does not answer",
                        "Expected the store to answer " + path + ", but it said " + status);
            }
            try (InputStream in = connection.getInputStream()) {
                return in.readNBytes(LARGEST_ANSWER + 1);
            }
        } catch (IOException e) {
            throw new Problem(
                    502,
                    "The store does not answer",
                    "Expected the store to answer at " + store.get() + ", but " + e + ". Is it running?");
        }
    }
}
