package io.kmodfleet.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left when a store or its disk ends in the middle of something. */
class CrashIT {

    private static EmbeddedPostgres database;

    @TempDir
    Path directory;

    @BeforeAll
    static void startDatabase() throws Exception {
        database = EmbeddedPostgres.builder().start();
    }

    @AfterAll
    static void stopDatabase() throws Exception {
        database.close();
    }

    @Test
    void a_killed_store_has_nothing_of_the_upload_it_was_killed_in_and_everything_from_before() throws Exception {
        byte[] before = log(1_000_000);
        byte[] during = log(8_000_000);
        StoreProcess killed = StoreProcess.start(directory, database, Map.of());
        assertThat(killed.client().put("logs", before).statusCode()).isEqualTo(201);
        try (Socket socket = new Socket("127.0.0.1", killed.address().getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(("PUT /api/v1/logs/" + Digest.of(during).hex() + " HTTP/1.1\r\nHost: store\r\nContent-Length: "
                            + during.length + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            out.write(during, 0, during.length / 2);
            out.flush();
            while (TestFiles.below(directory.resolve("incoming")).stream()
                    .noneMatch(file -> file.toString().endsWith(".part"))) {
                Thread.sleep(10);
            }
            killed.kill();
        }

        try (StoreProcess next = StoreProcess.start(directory, database, Map.of())) {
            assertThat(TestFiles.below(directory.resolve("incoming")))
                    .noneMatch(file -> file.toString().endsWith(".part"));
            assertThat(TestFiles.below(directory.resolve("blobs"))).hasSize(1);
            assertThat(next.client()
                            .get("/api/v1/logs/" + Digest.of(before).hex())
                            .body())
                    .isEqualTo(before);
            assertThat(next.client()
                            .get("/api/v1/logs/" + Digest.of(during).hex())
                            .statusCode())
                    .isEqualTo(404);
            assertThat(next.client().put("logs", during).statusCode()).isEqualTo(201);
        }
    }

    @Test
    void a_download_that_a_restart_cut_off_goes_on_where_it_ended() throws Exception {
        byte[] log = log(12_000_000);
        String path = "/api/v1/logs/" + Digest.of(log).hex();
        StoreProcess killed = StoreProcess.start(directory, database, Map.of());
        killed.client().put("logs", log);
        HttpURLConnection connection =
                (HttpURLConnection) killed.address().resolve(path).toURL().openConnection();
        byte[] begun;
        String tag;
        try (InputStream in = connection.getInputStream()) {
            begun = in.readNBytes(1_000_000);
            tag = connection.getHeaderField("ETag");
            killed.kill();
        }

        try (StoreProcess next = StoreProcess.start(directory, database, Map.of())) {
            HttpResponse<byte[]> rest =
                    next.client().get(path, "Range", "bytes=" + begun.length + "-", "If-Range", tag);

            assertThat(rest.statusCode()).isEqualTo(206);
            assertThat(begun).isEqualTo(Arrays.copyOf(log, begun.length));
            assertThat(rest.body()).isEqualTo(Arrays.copyOfRange(log, begun.length, log.length));
        }
    }

    @Test
    void a_full_disk_is_said_so_and_loses_nothing() throws Exception {
        boolean root = "root".equals(System.getProperty("user.name"));
        assumeThat(root || System.getenv("CI") != null)
                .as("only root can mount")
                .isTrue();
        Path full = Files.createDirectories(directory.resolve("full"));
        byte[] fits = log(3_000_000);
        byte[] tooMuch = log(6_000_000);
        try (StoreProcess store = StoreProcess.start(
                full,
                database,
                Map.of(),
                "unshare",
                "-m",
                "sh",
                "-c",
                "mount -t tmpfs -o size=8m,mode=0700 none '" + full + "' && exec \"$@\"",
                "sh")) {
            assertThat(store.client().put("logs", fits).statusCode()).isEqualTo(201);

            HttpResponse<byte[]> answer = store.client().put("logs", tooMuch);

            assertThat(answer.statusCode()).isEqualTo(507);
            JsonNode problem = StoreClient.json(answer);
            assertThat(problem.path("title").asText()).isEqualTo("Disk full");
            assertThat(problem.path("detail").asText()).contains("Free some and send it again; nothing was kept");
            assertThat(store.client()
                            .get("/api/v1/logs/" + Digest.of(fits).hex())
                            .body())
                    .isEqualTo(fits);
            assertThat(store.client().put("logs", log(1_000_000)).statusCode())
                    .as("what was cut off takes no room")
                    .isEqualTo(201);
            assertThat(store.client().put("logs", fits).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void more_than_the_quota_is_not_taken_but_what_is_there_already_is() throws Exception {
        byte[] first = log(600_000);
        try (EmbeddedPostgres empty = EmbeddedPostgres.builder().start();
                StoreProcess store =
                        StoreProcess.start(directory, empty, Map.of("KMODFLEET_STORE_LIMITS_BYTES", "1000000"))) {
            assertThat(store.client().put("logs", first).statusCode()).isEqualTo(201);

            HttpResponse<byte[]> answer = store.client().put("logs", log(600_000));

            assertThat(answer.statusCode()).isEqualTo(507);
            assertThat(StoreClient.json(answer).path("detail").asText())
                    .contains("600000 of 1000000 are taken")
                    .contains("kmodfleet store plan");
            assertThat(store.client().put("logs", first).statusCode()).isEqualTo(200);
            assertThat(store.client().put("logs", log(300_000)).statusCode()).isEqualTo(201);
        }
    }

    @Test
    void a_client_that_asks_for_too_much_is_told_when_to_come_back() throws Exception {
        try (StoreProcess store =
                StoreProcess.start(directory, database, Map.of("KMODFLEET_STORE_LIMITS_UPLOADS", "1"))) {
            HttpResponse<byte[]> answer = store.client().put("logs", log(10));
            for (int i = 0; i < 10 && answer.statusCode() == 201; i++) {
                answer = store.client().put("logs", log(10));
            }

            assertThat(answer.statusCode()).isEqualTo(429);
            assertThat(answer.headers().firstValue("Retry-After")).contains("1");
            assertThat(StoreClient.json(answer).path("title").asText()).isEqualTo("Too many requests");
            assertThat(store.client().get("/api/v1/packages").statusCode())
                    .as("who uploads too much may still read")
                    .isEqualTo(200);
            Thread.sleep(1_100);
            assertThat(store.client().put("logs", log(10)).statusCode()).isEqualTo(201);
        }
    }

    @Test
    void refused_bytes_go_after_a_while_and_the_reason_stays() throws Exception {
        byte[] junk = log(1_000);
        String file = "/api/v1/refusals/" + Digest.of(junk).hex() + "/file";
        try (StoreProcess store =
                StoreProcess.start(directory, database, Map.of("KMODFLEET_STORE_REFUSED_FOR", "PT3S"))) {
            store.client().put("packages", junk);
            assertThat(store.client().get(file).body()).isEqualTo(junk);

            long end = System.nanoTime() + 30_000_000_000L;
            while (store.client().get(file).statusCode() == 200 && System.nanoTime() < end) {
                Thread.sleep(200);
            }

            assertThat(store.client().get(file).statusCode()).isEqualTo(404);
            JsonNode refusal = store.client().items("/api/v1/refusals").get(0);
            assertThat(refusal.path("found").asText()).isEqualTo(Digest.of(junk).toString());
            assertThat(refusal.path("rule").asText()).isEqualTo("NOT_AN_ARCHIVE");
            assertThat(refusal.path("kept").asBoolean()).isFalse();
        }
    }

    private static byte[] log(int size) {
        byte[] bytes = new byte[size];
        new Random().nextBytes(bytes);
        return bytes;
    }
}
