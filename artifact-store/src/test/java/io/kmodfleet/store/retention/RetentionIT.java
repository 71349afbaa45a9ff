package io.kmodfleet.store.retention;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.FakeCoordinator;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class RetentionIT {

    @TestHTTPResource
    private URI address;

    @Inject
    StoreConfig config;

    FakeCoordinator coordinator;

    private StoreClient store;
    private Digest outdated;
    private Digest used;
    private Digest recent;

    @BeforeEach
    void publish() throws Exception {
        store = new StoreClient(address);
        outdated = published();
        used = published();
        coordinator.says(used, "proven", 3, 1);
        recent = published();
        // Older than the least age.
        Thread.sleep(1_200);
    }

    @Test
    void the_plan_says_what_would_go_and_why_and_changes_nothing() throws Exception {
        JsonNode plan = plan();

        assertThat(goes(plan, outdated).path("reason").asText()).isEqualTo("outdated");
        assertThat(goes(plan, outdated).path("detail").asText()).contains("no host has its kernel");
        assertThat(goes(plan, used)).isNull();
        assertThat(goes(plan, recent)).isNull();
        assertThat(plan.path("packages").asInt()).isPositive();
        assertThat(plan.path("bytes").asLong()).isPositive();
        assertThat(plan.path("stay").path("on-hosts").asInt()).isPositive();
        assertThat(served(outdated)).isEqualTo(200);
    }

    @Test
    void applying_it_removes_what_may_go_with_its_bytes_and_nothing_else() throws Exception {
        HttpResponse<byte[]> answer = store.send("POST", "/api/v1/retention", "");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(goes(StoreClient.json(answer), outdated)).isNotNull();
        assertThat(served(outdated)).isEqualTo(404);
        assertThat(place(outdated)).doesNotExist();
        assertThat(served(used)).isEqualTo(200);
        assertThat(served(recent)).isEqualTo(200);
        assertThat(goes(plan(), outdated)).isNull();
    }

    @Test
    void the_log_of_a_build_that_failed_goes_when_it_is_old_enough_and_that_of_a_package_with_its_package()
            throws Exception {
        byte[] log = ("make: *** [Makefile:7] Error 2 " + System.nanoTime()).getBytes();
        String path = "/api/v1/logs/" + Digest.of(log).hex();
        assertThat(store.put("logs", log).statusCode()).isEqualTo(201);
        Thread.sleep(1_200);

        assertThat(plan().path("logs").asInt()).isPositive();
        assertThat(store.get(path).statusCode()).isEqualTo(200);

        JsonNode done = StoreClient.json(store.send("POST", "/api/v1/retention", ""));

        assertThat(done.path("logs").asInt()).isPositive();
        assertThat(store.get(path).statusCode()).isEqualTo(404);
        assertThat(place(Digest.of(log))).doesNotExist();
        assertThat(plan().path("logs").asInt()).isZero();
    }

    @Test
    void what_was_removed_can_come_again() throws Exception {
        Toy old = Toy.another();
        Digest digest = publish(old);
        published();
        Thread.sleep(1_200);
        store.send("POST", "/api/v1/retention", "");
        assertThat(served(digest)).isEqualTo(404);

        assertThat(store.put("packages", old.archive()).statusCode()).isEqualTo(201);
        assertThat(served(digest)).isEqualTo(200);
    }

    @Test
    void a_pin_keeps_it_until_it_is_taken_away() throws Exception {
        String pin = "/api/v1/pins/" + outdated.hex();
        assertThat(store.send("PUT", pin, "{\"reason\":\"the court asked\"}").statusCode())
                .isEqualTo(204);

        assertThat(goes(plan(), outdated)).isNull();
        JsonNode pinned = store.items("/api/v1/pins").get(0);
        assertThat(pinned.path("digest").asText()).isEqualTo(outdated.toString());
        assertThat(pinned.path("reason").asText()).isEqualTo("the court asked");
        store.send("POST", "/api/v1/retention", "");
        assertThat(served(outdated)).isEqualTo(200);

        assertThat(store.send("DELETE", pin, "").statusCode()).isEqualTo(204);
        assertThat(goes(plan(), outdated)).isNotNull();
    }

    @Test
    void a_pin_wants_a_reason_and_a_package() throws Exception {
        assertThat(store.send("PUT", "/api/v1/pins/" + outdated.hex(), "{\"reason\":\" \"}")
                        .statusCode())
                .isEqualTo(400);
        assertThat(store.send("PUT", "/api/v1/pins/" + "0".repeat(64), "{\"reason\":\"why\"}")
                        .statusCode())
                .isEqualTo(404);
        assertThat(store.send("DELETE", "/api/v1/pins/" + "0".repeat(64), "").statusCode())
                .isEqualTo(404);
    }

    @Test
    void without_the_coordinator_nothing_is_planned_and_nothing_removed() throws Exception {
        coordinator.breaks(true);
        try {
            HttpResponse<byte[]> answer = store.send("POST", "/api/v1/retention", "");

            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(StoreClient.json(answer).path("detail").asText()).contains("nothing is removed");
            assertThat(store.get("/api/v1/retention").statusCode()).isEqualTo(503);
        } finally {
            coordinator.breaks(false);
        }
        assertThat(served(outdated)).isEqualTo(200);
    }

    private JsonNode plan() throws Exception {
        return StoreClient.json(store.get("/api/v1/retention"));
    }

    private static JsonNode goes(JsonNode plan, Digest digest) {
        for (JsonNode going : plan.path("goes")) {
            if (going.path("digest").asText().equals(digest.toString())) {
                return going;
            }
        }
        return null;
    }

    private int served(Digest digest) throws Exception {
        return store.get("/api/v1/packages/" + digest.hex()).statusCode();
    }

    private Path place(Digest digest) {
        return config.directory()
                .resolve("blobs")
                .resolve(digest.hex().substring(0, 2))
                .resolve(digest.hex().substring(2, 4))
                .resolve(digest.hex());
    }

    private Digest published() throws Exception {
        return publish(Toy.another());
    }

    private Digest publish(Toy toy) throws Exception {
        store.put("sources", toy.source());
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(201);
        return Digest.of(toy.archive());
    }
}
