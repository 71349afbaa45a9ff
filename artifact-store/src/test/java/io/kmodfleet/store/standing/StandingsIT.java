package io.kmodfleet.store.standing;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.FakeCoordinator;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class StandingsIT {

    @TestHTTPResource
    private URI address;

    FakeCoordinator coordinator;

    private StoreClient store;
    private Digest digest;

    @BeforeEach
    void publish() throws Exception {
        store = new StoreClient(address);
        Toy toy = Toy.another();
        store.put("sources", toy.source());
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(201);
        digest = Digest.of(toy.archive());
    }

    @Test
    void a_package_is_a_candidate_until_the_coordinator_says_otherwise() throws Exception {
        assertThat(shown().path("state").asText()).isEqualTo("candidate");

        coordinator.says(digest, "proven", 1, 1);

        awaitState("proven");
        assertThat(shown().has("stateAt")).isTrue();
    }

    @Test
    void how_many_builders_agree_is_shown_and_leaves_the_state_as_old_as_it_is() throws Exception {
        assertThat(shown().path("builders").asInt()).isZero();

        coordinator.saysBuilders(digest, 2);

        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (shown().path("builders").asInt() != 2) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            Thread.sleep(100);
        }
        assertThat(shown().path("state").asText()).isEqualTo("candidate");
        assertThat(shown().has("stateAt")).isFalse();
    }

    @Test
    void a_recalled_package_is_shown_with_the_reason_and_served_to_nobody() throws Exception {
        String path = "/api/v1/packages/" + digest.hex();
        assertThat(store.get(path).statusCode()).isEqualTo(200);

        coordinator.saysRecalled(digest, "anna: it panics");

        awaitState("recalled");
        assertThat(shown().path("stateWhy").asText()).isEqualTo("anna: it panics");
        HttpResponse<byte[]> answer = store.get(path);
        assertThat(answer.statusCode()).isEqualTo(410);
        assertThat(StoreClient.json(answer).path("detail").asText()).contains("anna: it panics");
        assertThat(answer.headers().firstValue("Cache-Control")).isEmpty();
    }

    private void awaitState(String state) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!shown().path("state").asText().equals(state)) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            Thread.sleep(100);
        }
    }

    private JsonNode shown() throws Exception {
        return store.items("/api/v1/packages?text=" + digest.hex()).get(0);
    }
}
