package io.kmodfleet.store.standing;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.catalogue.Packages.Known;
import io.kmodfleet.store.catalogue.State;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The coordinator's API, as far as the store asks it. */
@ApplicationScoped
public class Coordinator {

    private static final Duration ANSWER = Duration.ofSeconds(30);

    private final Optional<URI> address;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    Coordinator(StoreConfig config) {
        this.address = config.coordinator();
    }

    /**
     * @param builders how many gave these very modules when they were asked to build
     * @param hosts how many have it or are to get it
     * @param kernels how many have the kernel it was built for
     */
    public record Standing(Digest digest, State state, Optional<String> why, int builders, int hosts, int kernels) {}

    private record Asked(Digest digest, String module, BuildTarget target) {}

    private record Question(List<Asked> packages) {}

    private record Answer(List<Standing> items) {}

    /** It cannot be asked, or did not answer as it should. */
    public static final class NotReached extends IOException {
        NotReached(String message, Throwable cause) {
            super(message, cause);
        }
    }

    public boolean isKnown() {
        return address.isPresent();
    }

    /** All of them, or it fails. */
    public Map<Digest, Standing> standings(List<Known> packages) throws NotReached {
        URI at = address.orElseThrow(() -> new NotReached(
                "Expected the coordinator's address, but it is not set (KMODFLEET_STORE_COORDINATOR)", null));
        byte[] question = FleetJson.writeBytes(new Question(packages.stream()
                .map(known -> new Asked(known.digest(), known.module(), known.target()))
                .toList()));
        HttpRequest request = HttpRequest.newBuilder(at.resolve("/api/v1/package-standings"))
                .header("Content-Type", "application/json")
                .timeout(ANSWER)
                .POST(HttpRequest.BodyPublishers.ofByteArray(question))
                .build();
        try {
            HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new IOException("HTTP " + answer.statusCode() + " came");
            }
            Map<Digest, Standing> standings = new HashMap<>();
            for (Standing standing :
                    FleetJson.mapper().readValue(answer.body(), Answer.class).items()) {
                standings.put(standing.digest(), standing);
            }
            if (!packages.stream().map(Known::digest).allMatch(standings::containsKey)) {
                throw new IOException("it did not say all of them");
            }
            return standings;
        } catch (IOException e) {
            throw new NotReached("Expected the coordinator at " + at + " to say what packages are, but " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotReached("Interrupted", e);
        }
    }
}
