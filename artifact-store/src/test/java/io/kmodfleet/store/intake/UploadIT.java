package io.kmodfleet.store.intake;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.TestFiles;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class UploadIT {

    @TestHTTPResource
    private URI address;

    @Inject
    StoreConfig config;

    private StoreClient store;

    @BeforeEach
    void connect() {
        store = new StoreClient(address);
    }

    @Test
    void the_same_bytes_twice_are_one_file() throws Exception {
        Toy toy = Toy.another();

        assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(201);
        assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(200);
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(201);
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(200);

        assertThat(store.items("/api/v1/sources").findValuesAsText("digest"))
                .containsOnlyOnce(Digest.of(toy.source()).toString());
        assertThat(store.items("/api/v1/packages").findValuesAsText("digest"))
                .containsOnlyOnce(Digest.of(toy.archive()).toString());
    }

    @Test
    void the_same_bytes_at_the_same_time_are_new_for_one_only() throws Exception {
        Toy toy = Toy.another();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                answers.add(
                        threads.submit(() -> store.put("sources", toy.source()).statusCode()));
            }
            List<Integer> codes = new ArrayList<>();
            for (Future<Integer> answer : answers) {
                codes.add(answer.get());
            }
            assertThat(codes).containsOnlyOnce(201).contains(200).hasSize(8);
            assertThat(codes).allMatch(code -> code == 200 || code == 201);
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void what_is_stored_says_what_it_is() throws Exception {
        Toy toy = published();
        store.put("packages", toy.archive());

        JsonNode source = item("/api/v1/sources", Digest.of(toy.source()));
        JsonNode stored = item("/api/v1/packages?module=toy&release=" + Toy.RELEASE, Digest.of(toy.archive()));

        assertThat(source.path("module").asText()).isEqualTo("toy");
        assertThat(source.path("moduleVersion").asText()).isEqualTo(toy.version());
        assertThat(source.path("binding").asText()).isEqualTo("EXACT_IMAGE");
        assertThat(source.path("modules").get(0).asText()).isEqualTo("toy");
        assertThat(source.path("size").asLong()).isEqualTo(toy.source().length);
        assertThat(stored.path("target").path("release").asText()).isEqualTo(Toy.RELEASE);
        assertThat(stored.path("bodies").get(0).asText())
                .isEqualTo(Digest.of(Toy.module()).toString());
        assertThat(stored.path("fileName").asText()).isEqualTo("toy-" + Toy.RELEASE + "-" + toy.version() + ".tar.gz");
        assertThat(store.items("/api/v1/packages?module=other")).isEmpty();
        assertThat(store.items("/api/v1/packages?release=6.8.0")).isEmpty();
        assertThat(store.items("/api/v1/sources?limit=1")).hasSize(1);
    }

    @Test
    void a_truncated_upload_is_refused_with_the_reason_and_kept_aside() throws Exception {
        byte[] archive = published().archive();
        byte[] half = Arrays.copyOf(archive, archive.length / 2);

        HttpResponse<byte[]> answer = store.put("packages", Digest.of(archive).hex(), half);

        assertRefused(answer, "DIGEST_MISMATCH", Digest.of(archive), "cut off or changed on the way");
        assertThat(placeIn("refused", Digest.of(half).hex())).hasBinaryContent(half);
        assertThat(store.put("packages", archive).statusCode()).isEqualTo(201);
    }

    @Test
    void a_connection_that_ends_in_the_middle_leaves_nothing() throws Exception {
        byte[] source = Toy.another().source();
        try (Socket socket = new Socket(address.getHost(), address.getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(("PUT /api/v1/sources/" + Digest.of(source).hex() + " HTTP/1.1\r\nHost: store\r\nContent-Length: "
                            + source.length + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            out.write(source, 0, source.length / 2);
            out.flush();
            await(() -> !incoming().isEmpty());
        }
        await(() -> incoming().isEmpty());
        assertThat(store.put("sources", source).statusCode()).isEqualTo(201);
    }

    @Test
    void a_manifest_that_lies_is_refused() throws Exception {
        Toy toy = published();
        byte[] module = Toy.module();
        PackagedModule truth = Toy.truth(module);
        Digest other = Samples.digest("other");

        for (PackagedModule lie : List.of(
                new PackagedModule("toy", truth.file(), other, truth.body(), truth.vermagic(), truth.srcversion()),
                new PackagedModule("toy", truth.file(), truth.digest(), other, truth.vermagic(), truth.srcversion()),
                new PackagedModule(
                        "toy", truth.file(), truth.digest(), truth.body(), Toy.RELEASE + " SMP ", truth.srcversion()),
                new PackagedModule(
                        "ext4", truth.file(), truth.digest(), truth.body(), truth.vermagic(), truth.srcversion()),
                new PackagedModule(
                        "toy", truth.file(), truth.digest(), truth.body(), truth.vermagic(), Optional.empty()))) {
            byte[] archive = toy.archive(module, lie);
            assertRefused(store.put("packages", archive), "MANIFEST_LIES", Digest.of(archive), "as the manifest says");
        }
    }

    @Test
    void a_module_for_another_kernel_is_refused() throws Exception {
        byte[] module = ModuleFixture.module("toy", "6.1.0-50-amd64").bytes();
        byte[] archive = published().archive(module, Toy.truth(module));

        assertRefused(store.put("packages", archive), "WRONG_KERNEL", Digest.of(archive), "6.1.0-50-amd64");
    }

    @Test
    void a_package_of_a_source_that_nobody_published_is_refused_until_somebody_does() throws Exception {
        Toy toy = Toy.another();

        assertRefused(
                store.put("packages", toy.archive()), "WRONG_SOURCE", Digest.of(toy.archive()), "nobody published");
        store.put("sources", toy.source());
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(201);
    }

    @Test
    void a_package_that_is_not_of_the_source_it_names_is_refused() throws Exception {
        Toy toy = published();
        Toy other = Toy.another();
        byte[] module = Toy.module();
        byte[] stranger = ModuleFixture.module("stranger", Toy.RELEASE).bytes();
        PackagedModule truth = Toy.truth(module);
        PackagedModule strange = new PackagedModule(
                "stranger",
                "module/stranger.ko",
                Digest.of(stranger),
                Digest.of(stranger),
                truth.vermagic(),
                truth.srcversion());
        byte[] anotherVersion = toy.archive("9.9", toy.conf(), module, truth);
        byte[] anotherConf = toy.archive(toy.version(), other.conf(), module, truth);
        byte[] anotherModule = toy.archive(stranger, strange);

        assertRefused(store.put("packages", anotherVersion), "WRONG_SOURCE", Digest.of(anotherVersion), "9.9");
        assertRefused(store.put("packages", anotherConf), "WRONG_SOURCE", Digest.of(anotherConf), "dkms.conf");
        assertRefused(store.put("packages", anotherModule), "WRONG_SOURCE", Digest.of(anotherModule), "stranger");
    }

    @Test
    void junk_is_refused() throws Exception {
        byte[] junk = "junk".getBytes(StandardCharsets.UTF_8);

        assertRefused(store.put("packages", junk), "NOT_AN_ARCHIVE", Digest.of(junk), "Expected");
        assertRefused(store.put("sources", junk), "NOT_AN_ARCHIVE", Digest.of(junk), "Expected");
    }

    @Test
    void a_name_that_is_no_digest_is_a_bad_request() throws Exception {
        for (String name :
                List.of("x", "A".repeat(64), "sha256:" + "0".repeat(64), "0".repeat(65), "..%2f..%2fpasswd")) {
            HttpResponse<byte[]> answer = store.put("logs", name, new byte[1]);
            assertThat(answer.statusCode()).as(name).isIn(400, 404);
            assertThat(StoreClient.json(answer).path("detail").asText())
                    .as(name)
                    .isNotEmpty();
        }
    }

    @Test
    void more_bytes_than_allowed_are_not_taken() throws Exception {
        byte[] log = new byte[16 * 1024 * 1024 + 1];

        HttpResponse<byte[]> answer = store.put("logs", log);

        assertThat(answer.statusCode()).isEqualTo(413);
        assertThat(StoreClient.json(answer).path("rule").asText()).isEqualTo("TOO_LARGE");
        assertThat(incoming()).isEmpty();
        assertThat(store.put("logs", Arrays.copyOf(log, log.length - 1)).statusCode())
                .isEqualTo(201);
    }

    @Test
    void a_file_that_the_disk_has_damaged_is_mended_by_the_next_upload() throws Exception {
        Toy toy = published();
        String hex = Digest.of(toy.source()).hex();
        Files.write(placeIn("blobs", hex), new byte[] {1, 2, 3});

        assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(200);

        assertThat(store.get("/api/v1/sources/" + hex).body()).isEqualTo(toy.source());
    }

    @Test
    void a_file_without_a_row_in_the_catalogue_does_no_harm() throws Exception {
        Toy toy = Toy.another();
        String hex = Digest.of(toy.source()).hex();
        Files.createDirectories(placeIn("blobs", hex).getParent());
        Files.write(placeIn("blobs", hex), toy.source());

        assertThat(store.get("/api/v1/sources/" + hex).statusCode()).isEqualTo(404);
        assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(201);
    }

    @Test
    void only_the_store_can_look_into_its_directory_and_nothing_is_left_from_last_time() throws Exception {
        assertThat(config.directory().resolve("incoming/left-behind.part")).doesNotExist();
        for (String part : List.of("blobs", "refused")) {
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(config.directory().resolve(part))))
                    .isEqualTo("rwx------");
        }
    }

    private Toy published() throws Exception {
        Toy toy = Toy.another();
        assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(201);
        return toy;
    }

    private JsonNode item(String list, Digest digest) throws Exception {
        for (JsonNode item : store.items(list)) {
            if (item.path("digest").asText().equals(digest.toString())) {
                return item;
            }
        }
        throw new AssertionError("Expected " + digest + " in " + list + ", but it is not there");
    }

    private void assertRefused(HttpResponse<byte[]> answer, String rule, Digest named, String evidence)
            throws Exception {
        assertThat(answer.statusCode()).isEqualTo(422);
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("application/problem+json");
        JsonNode problem = StoreClient.json(answer);
        assertThat(problem.path("rule").asText()).isEqualTo(rule);
        assertThat(problem.path("status").asInt()).isEqualTo(422);
        assertThat(problem.path("detail").asText()).contains(evidence);
        JsonNode refusal = item("/api/v1/refusals", named);
        assertThat(refusal.path("rule").asText()).isEqualTo(rule);
        assertThat(refusal.path("evidence").asText()).contains(evidence);
        String found = refusal.path("found").asText().substring("sha256:".length());
        HttpResponse<byte[]> file = store.get("/api/v1/refusals/" + found + "/file");
        assertThat(Digest.of(file.body()).hex()).isEqualTo(found);
        assertThat(file.headers().firstValue("Content-Type")).contains("application/octet-stream");
        assertThat(file.headers().firstValue("Content-Disposition").orElse("")).startsWith("attachment");
        assertThat(incoming()).isEmpty();
    }

    private Path placeIn(String area, String hex) {
        return config.directory()
                .resolve(area)
                .resolve(hex.substring(0, 2))
                .resolve(hex.substring(2, 4))
                .resolve(hex);
    }

    private List<Path> incoming() {
        try {
            return TestFiles.below(config.directory().resolve("incoming")).stream()
                    .filter(file -> file.toString().endsWith(".part"))
                    .toList();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            Thread.sleep(20);
        }
    }
}
