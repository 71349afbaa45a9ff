package io.kmodfleet.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two stores as processes of their own, on one catalogue, one broker and one bucket of a real S3 server. */
class SeveralStoresIT {

    @TempDir
    Path directory;

    private S3Server s3;
    private FlakyNetwork network;
    private EmbeddedPostgres database;
    private TestBroker broker;
    private FakeCoordinator coordinator;
    private StoreProcess one;
    private StoreProcess other;

    @BeforeEach
    void start() throws Exception {
        s3 = S3Server.start();
        network = new FlakyNetwork(s3.port());
        database = EmbeddedPostgres.builder().start();
        broker = new TestBroker(Files.createDirectories(directory.resolve("kafka"))).start();
        broker.createTopic(Topics.OBSERVATIONS);
        broker.createTopic(Topics.LEDGER, 1);
        coordinator = new FakeCoordinator();
        one = store("one", "PT20S");
        other = store("other", "PT20S");
    }

    @AfterEach
    void stop() throws Exception {
        one.close();
        other.close();
        coordinator.close();
        broker.close();
        database.close();
        network.close();
        s3.close();
    }

    @Test
    void they_serve_together_as_if_they_were_one() throws Exception {
        Toy toy = Toy.another();
        String path = "/api/v1/packages/" + Digest.of(toy.archive()).hex();
        assertThat(one.client().put("sources", toy.source()).statusCode()).isEqualTo(201);
        assertThat(other.client().put("packages", toy.archive()).statusCode()).isEqualTo(201);

        assertThat(one.client().put("packages", toy.archive()).statusCode()).isEqualTo(200);
        assertThat(one.client().get(path).body()).isEqualTo(toy.archive());
        HttpResponse<byte[]> part = one.client().get(path, "Range", "bytes=10-");
        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(toy.archive(), 10, toy.archive().length));
        assertThat(one.client().head(path).headers().firstValue("Content-Length"))
                .contains("" + toy.archive().length);

        byte[] junk = log(500);
        one.client().put("packages", junk);
        assertThat(other.client()
                        .get("/api/v1/refusals/" + Digest.of(junk).hex() + "/file")
                        .body())
                .isEqualTo(junk);

        assertThat(one.client().items("/api/v1/packages").get(0).path("state").asText())
                .isEqualTo("candidate");
        coordinator.says(Digest.of(toy.archive()), "proven", 1, 1);
        byte[] news = ("{\"envelope\":{\"observation\":{\"packageDigest\":\"" + Digest.of(toy.archive()) + "\"}}}")
                .getBytes(StandardCharsets.UTF_8);
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!other.client()
                .items("/api/v1/packages")
                .get(0)
                .path("state")
                .asText()
                .equals("proven")) {
            assertThat(System.nanoTime()).as("patience").isLessThan(end);
            broker.send(Topics.LEDGER, news);
            Thread.sleep(500);
        }

        // What either of them took is told once, in one order, and goes on to be when the one that told it is gone.
        assertThat(told(3)).isEqualTo(List.of(1L, 2L, 3L));
        one.kill();
        Toy next = Toy.another();
        assertThat(other.client().put("sources", next.source()).statusCode()).isEqualTo(201);
        assertThat(told(4)).isEqualTo(List.of(1L, 2L, 3L, 4L));
        assertThat(other.client().get(path).body()).isEqualTo(toy.archive());
    }

    @Test
    void slow_readers_of_large_files_take_no_memory_and_stand_in_nobodys_way() throws Exception {
        byte[] large = log(16_000_000);
        String path = "/api/v1/logs/" + Digest.of(large).hex();
        assertThat(one.client().put("logs", large).statusCode()).isEqualTo(201);
        List<HttpURLConnection> slow = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            HttpURLConnection connection =
                    (HttpURLConnection) other.address().resolve(path).toURL().openConnection();
            connection.getInputStream().readNBytes(1000);
            slow.add(connection);
        }

        assertThat(other.client().get("/api/v1/packages").statusCode()).isEqualTo(200);

        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<Integer>> rest = new ArrayList<>();
            for (HttpURLConnection connection : slow) {
                rest.add(threads.submit(() -> {
                    try (InputStream in = connection.getInputStream()) {
                        return Arrays.hashCode(in.readAllBytes());
                    }
                }));
            }
            int expected = Arrays.hashCode(Arrays.copyOfRange(large, 1000, large.length));
            for (Future<Integer> hash : rest) {
                assertThat(hash.get()).isEqualTo(expected);
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void a_bucket_that_does_not_answer_is_said_so_in_time_and_nothing_is_lost() throws Exception {
        byte[] before = log(100_000);
        String path = "/api/v1/logs/" + Digest.of(before).hex();
        try (StoreProcess impatient = store("impatient", "PT2S")) {
            assertThat(one.client().put("logs", before).statusCode()).isEqualTo(201);

            network.stall(true);
            long begin = System.nanoTime();
            HttpResponse<byte[]> download = impatient.client().get(path);
            HttpResponse<byte[]> upload = impatient.client().put("logs", log(1_000));
            Duration took = Duration.ofNanos(System.nanoTime() - begin);
            network.stall(false);

            assertThat(download.statusCode()).isEqualTo(504);
            assertThat(download.headers().firstValue("Retry-After")).isPresent();
            assertThat(StoreClient.json(download).path("detail").asText())
                    .contains("Nothing was lost; try again later");
            assertThat(upload.statusCode()).isEqualTo(504);
            assertThat(took).isLessThan(Duration.ofSeconds(40));
            assertThat(impatient.client().get(path).body()).isEqualTo(before);
            assertThat(impatient.client().put("logs", log(1_000)).statusCode()).isEqualTo(201);
        }
    }

    private StoreProcess store(String name, String patience) throws Exception {
        Map<String, String> settings = new HashMap<>(S3Server.CREDENTIALS);
        settings.put("KMODFLEET_STORE_S3_BUCKET", S3Server.BUCKET);
        settings.put("KMODFLEET_STORE_S3_ENDPOINT", network.address().toString());
        settings.put("KMODFLEET_STORE_S3_PATH_STYLE", "true");
        settings.put("KMODFLEET_STORE_S3_PATIENCE", patience);
        settings.put("KMODFLEET_STORE_COORDINATOR", coordinator.address());
        settings.put("KAFKA_BOOTSTRAP_SERVERS", broker.address());
        return StoreProcess.start(directory.resolve(name), database, settings);
    }

    /** The numbers of the observations, as soon as there are that many; a repeat only repeats a number. */
    private List<Long> told(int expected) throws Exception {
        List<Long> numbers = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (numbers.stream().distinct().count() < expected && System.nanoTime() < end) {
            numbers.clear();
            for (var record : broker.records(Topics.OBSERVATIONS, Integer.MAX_VALUE, Duration.ofSeconds(1))) {
                Map<String, byte[]> headers = new HashMap<>();
                record.headers().forEach(header -> headers.put(header.key(), header.value()));
                Envelope envelope = CloudEvents.readObservation(record.key(), record.value(), headers);
                numbers.add(envelope.sequence());
            }
        }
        assertThat(LongStream.range(1, numbers.size()).allMatch(i -> numbers.get((int) i) >= numbers.get((int) i - 1)))
                .as("in order: %s", numbers)
                .isTrue();
        return numbers;
    }

    private static byte[] log(int size) {
        byte[] bytes = new byte[size];
        new Random().nextBytes(bytes);
        return bytes;
    }
}
