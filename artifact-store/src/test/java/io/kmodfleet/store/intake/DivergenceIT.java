package io.kmodfleet.store.intake;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.store.FakeCoordinator;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class DivergenceIT {

    @TestHTTPResource
    private URI address;

    private StoreClient store;
    private Toy toy;

    @Inject
    DataSource catalogue;

    FakeCoordinator coordinator;

    @BeforeEach
    void publish() throws Exception {
        store = new StoreClient(address);
        toy = Toy.another();
        assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(201);
    }

    @Test
    void two_builds_of_one_target_that_differ_are_both_kept_and_what_differs_is_told() throws Exception {
        byte[] first = built("from one compiler");
        byte[] second = built("from another");

        assertThat(store.put("packages", first).statusCode()).isEqualTo(201);
        assertThat(store.put("packages", second).statusCode()).isEqualTo(201);

        List<JsonNode> found = of(first);
        assertThat(found).hasSize(1);
        assertThat(found.get(0).path("other").asText())
                .isEqualTo(Digest.of(second).toString());
        assertThat(found.get(0).path("open").asBoolean()).isTrue();
        assertThat(found.get(0).path("release").asText()).isEqualTo(Toy.RELEASE);
        JsonNode difference = found.get(0).path("differences").get(0);
        assertThat(difference.path("file").asText()).isEqualTo("toy");
        assertThat(difference.path("section").asText()).isEqualTo(".modinfo");
        assertThat(difference.path("loaded").asBoolean()).isTrue();
        assertThat(difference.path("what").asText()).contains("from one compiler", "from another");
        assertThat(store.get("/api/v1/packages/" + Digest.of(second).hex()).statusCode())
                .isEqualTo(200);
    }

    @Test
    void what_a_killed_store_had_taken_and_not_compared_is_compared_later() throws Exception {
        byte[] first = built("from one compiler");
        byte[] second = built("from another");
        store.put("packages", first);
        store.put("packages", second);
        try (Connection connection = catalogue.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("delete from divergence where other = '" + Digest.of(second) + "'");
            statement.execute("update package set compared = false, stored_at = stored_at - interval '1 hour'"
                    + " where digest = '" + Digest.of(second) + "'");
        }

        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (of(first).isEmpty()) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            Thread.sleep(100);
        }
        assertThat(of(first).get(0).path("differences")).isNotEmpty();
    }

    @Test
    void a_third_that_equals_one_of_them_is_held_against_the_other_only() throws Exception {
        byte[] first = built("a");
        byte[] second = built("b");
        store.put("packages", first);
        store.put("packages", second);
        byte[] third = toy.archive(module("b"), truth(module("b"), "module/toy.ko"), "another compiler");

        assertThat(store.put("packages", third).statusCode()).isEqualTo(201);

        assertThat(of(third)).hasSize(1);
        assertThat(of(third).get(0).path("one").asText())
                .isEqualTo(Digest.of(first).toString());
    }

    @Test
    void a_module_that_says_other_things_of_itself_than_the_first_proven_one_is_taken_with_a_warning()
            throws Exception {
        byte[] first = packed(module("a"));
        store.put("packages", first);
        coordinator.says(Digest.of(first), "proven", 1, 1);
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!shown(first).path("state").asText().equals("proven")) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            Thread.sleep(100);
        }
        byte[] strange = packed(ModuleFixture.module("toy", Toy.RELEASE)
                .with("description", "a")
                .with("softdep", "pre: other")
                .bytes());

        assertThat(store.put("packages", strange).statusCode()).isEqualTo(201);

        assertThat(warnings(first)).isEmpty();
        assertThat(warnings(strange)).hasSize(1);
        assertThat(warnings(strange).get(0).asText())
                .contains("MODINFO_DRIFT", "'softdep'", Digest.of(first).brief());
    }

    private byte[] packed(byte[] module) {
        return toy.archive(module, truth(module, "module/toy.ko"));
    }

    private JsonNode warnings(byte[] archive) throws Exception {
        return shown(archive).path("warnings");
    }

    private JsonNode shown(byte[] archive) throws Exception {
        return store.items("/api/v1/packages?text=" + Digest.of(archive).hex()).get(0);
    }

    @Test
    void the_same_package_again_and_an_equal_build_are_no_divergence() throws Exception {
        byte[] archive = built("a");
        store.put("packages", archive);

        assertThat(store.put("packages", archive).statusCode()).isEqualTo(200);
        store.put("packages", toy.archive(module("a"), truth(module("a"), "module/toy.ko"), "another compiler"));

        assertThat(of(archive)).isEmpty();
    }

    private byte[] built(String description) {
        return toy.archive(module(description), truth(module(description), "module/toy.ko"));
    }

    private static byte[] module(String description) {
        return ModuleFixture.module("toy", Toy.RELEASE)
                .with("description", description)
                .bytes();
    }

    private static PackagedModule truth(byte[] module, String file) {
        return new PackagedModule(
                "toy",
                file,
                Digest.of(module),
                Digest.of(module),
                Toy.RELEASE + " SMP preempt mod_unload modversions ",
                Optional.of("0123456789ABCDEF0123456"));
    }

    private List<JsonNode> of(byte[] archive) throws Exception {
        String digest = Digest.of(archive).toString();
        List<JsonNode> found = new ArrayList<>();
        for (JsonNode item : store.items("/api/v1/divergences?limit=1000")) {
            if (item.path("one").asText().equals(digest)
                    || item.path("other").asText().equals(digest)) {
                found.add(item);
            }
        }
        return found;
    }
}
