package io.kmodfleet.store.upkeep;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.TestBroker;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class ScrubIT {

    @TestHTTPResource
    private URI address;

    @Inject
    StoreConfig config;

    TestBroker broker;

    private StoreClient store;
    private byte[] source;
    private Digest digest;

    @BeforeEach
    void publish() throws Exception {
        store = new StoreClient(address);
        source = Toy.another().source();
        digest = Digest.of(source);
        broker.createTopic(Topics.OBSERVATIONS);
        assertThat(store.put("sources", source).statusCode()).isEqualTo(201);
    }

    @AfterEach
    void removeTopic() throws Exception {
        broker.deleteTopic(Topics.OBSERVATIONS);
    }

    @Test
    void a_bit_that_fell_over_is_found_kept_aside_told_once_and_healed_by_the_same_bytes() throws Exception {
        byte[] rotten = source.clone();
        rotten[rotten.length / 2] ^= 4;
        Files.write(place("blobs"), rotten);

        await(() -> served().statusCode() == 503);

        assertThat(StoreClient.json(served()).path("detail").asText())
                .contains("Uploading the same bytes again heals it");
        JsonNode damaged = damaged();
        assertThat(damaged.path("damage").asText())
                .contains("the storage gives " + source.length + " bytes of " + Digest.of(rotten));
        await(() -> Files.exists(place("damaged")));
        assertThat(place("damaged")).hasBinaryContent(rotten);
        // Longer than it takes to look once more.
        Thread.sleep(3_000);
        List<Observation.PackageRefused> told = told();
        assertThat(told).hasSize(1);
        assertThat(told.get(0).rule()).isEqualTo("DAMAGED");

        assertThat(store.put("sources", source).statusCode()).isEqualTo(200);

        assertThat(served().body()).isEqualTo(source);
        assertThat(damaged()).isNull();
    }

    @Test
    void of_a_package_the_fleet_hears_which_target_has_lost_it_and_when_it_is_there_again() throws Exception {
        Toy toy = Toy.another();
        store.put("sources", toy.source());
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(201);
        Digest module = Digest.of(toy.archive());
        Files.write(place("blobs", module), new byte[] {1, 2, 3});
        await(() -> store.get("/api/v1/packages/" + module.hex()).statusCode() == 503);

        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(200);

        // A broker whose topic has just come is tried again with pauses.
        await(() -> heardOf(module).size() == 3);
        List<Observation> heard = heardOf(module);
        BuildTarget target = ((Observation.PackageStored) heard.get(0)).target();
        assertThat(((Observation.PackageDamaged) heard.get(1)).target()).isEqualTo(target);
        assertThat(heard.get(2)).isEqualTo(new Observation.PackageHealed(module, target));
    }

    @Test
    void a_file_that_is_gone_is_found_too() throws Exception {
        Files.delete(place("blobs"));

        await(() -> damaged() != null);

        assertThat(damaged().path("damage").asText()).contains("they are gone");
        assertThat(served().statusCode()).isEqualTo(503);
        assertThat(store.put("sources", source).statusCode()).isEqualTo(200);
        assertThat(served().body()).isEqualTo(source);
    }

    @Test
    void a_file_that_nothing_refers_to_is_removed_after_a_while_and_no_other() throws Exception {
        Digest stray = Digest.of(("nobody's " + System.nanoTime()).getBytes());
        Path place = place("blobs", stray);
        Files.createDirectories(place.getParent());
        Files.writeString(place, "left behind by a store that was killed");

        await(() -> Files.notExists(place));

        assertThat(served().statusCode()).isEqualTo(200);
    }

    @Test
    void what_was_not_damaged_after_all_is_served_again() throws Exception {
        byte[] right = Files.readAllBytes(place("blobs"));
        Files.write(place("blobs"), new byte[] {1, 2, 3});
        await(() -> served().statusCode() == 503);

        Files.write(place("blobs"), right);

        await(() -> served().statusCode() == 200);
    }

    private HttpResponse<byte[]> served() throws Exception {
        return store.get("/api/v1/sources/" + digest.hex());
    }

    private JsonNode damaged() throws Exception {
        for (JsonNode item : store.items("/api/v1/damaged")) {
            if (item.path("digest").asText().equals(digest.toString())) {
                return item;
            }
        }
        return null;
    }

    private List<Observation.PackageRefused> told() throws Exception {
        return heard().stream()
                .filter(Observation.PackageRefused.class::isInstance)
                .map(Observation.PackageRefused.class::cast)
                .filter(refused -> refused.packageDigest().equals(digest))
                .toList();
    }

    private List<Observation> heardOf(Digest module) throws Exception {
        return heard().stream()
                .filter(observation -> observation instanceof Observation.PackageStored stored
                                && stored.packageDigest().equals(module)
                        || observation instanceof Observation.PackageDamaged damaged
                                && damaged.packageDigest().equals(module)
                        || observation instanceof Observation.PackageHealed healed
                                && healed.packageDigest().equals(module))
                .toList();
    }

    private List<Observation> heard() throws Exception {
        List<Observation> heard = new ArrayList<>();
        for (var record : broker.records(Topics.OBSERVATIONS, Integer.MAX_VALUE, Duration.ofSeconds(2))) {
            Map<String, byte[]> headers = new HashMap<>();
            record.headers().forEach(header -> headers.put(header.key(), header.value()));
            heard.add(CloudEvents.readObservation(record.key(), record.value(), headers)
                    .observation());
        }
        return heard;
    }

    private Path place(String area) {
        return place(area, digest);
    }

    private Path place(String area, Digest digest) {
        return config.directory()
                .resolve(area)
                .resolve(digest.hex().substring(0, 2))
                .resolve(digest.hex().substring(2, 4))
                .resolve(digest.hex());
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            Thread.sleep(50);
        }
    }
}
