package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.deploy.standalone.Stack;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is called silent, before a real coordinator with its database and broker, and who is not. */
class SilenceIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @TempDir
    private Path directory;

    private RecordedDay day;
    private HostId one;
    private HostId other;

    @BeforeEach
    void start() throws Exception {
        day = RecordedDay.begin(directory);
        List<String> hosts = day.published().stream()
                .map(Envelope::source)
                .filter(source -> source.length() == 32)
                .distinct()
                .sorted()
                .toList();
        one = new HostId(hosts.get(0));
        other = new HostId(hosts.get(1));
    }

    @AfterEach
    void end() throws Exception {
        if (day != null) {
            day.close();
        }
    }

    @Test
    void a_host_that_fell_silent_is_so_after_a_restart_too_and_since_the_same_moment() throws Exception {
        day.beat(heartbeat(one));
        try (AutoCloseable alive = day.beating(() -> heartbeat(other))) {
            await("its silence", () -> silentSince(one).isPresent());
            Instant since = silentSince(one).orElseThrow();

            day.stack().kill(Stack.COORDINATOR);
            day.stack().startAgain(Stack.COORDINATOR);

            await("its silence", () -> silentSince(one).isPresent());
            // Read back with the broker's time, where it was the coordinator's before.
            assertThat(Duration.between(since, silentSince(one).orElseThrow()).abs())
                    .isLessThan(Duration.ofSeconds(2));
            assertThat(silentSince(other)).isEmpty();
        }
    }

    @Test
    void while_no_broker_answers_nobody_falls_silent_and_afterwards_those_that_speak_do_not() throws Exception {
        try (AutoCloseable alive = day.beating(() -> heartbeat(one))) {
            await("that it listens", () -> metrics().contains("kmodfleet_heartbeats_listening 1.0"));
            await("heartbeats", () -> taken() > 3);

            day.stack().kill(Stack.KAFKA);
            await("that it hears nothing", () -> metrics().contains("kmodfleet_heartbeats_listening 0.0"));
            Thread.sleep(RecordedDay.SILENT_AFTER.multipliedBy(2).toMillis());
            assertThat(silentSince(one)).isEmpty();
            day.stack().startAgain(Stack.KAFKA);

            long before = taken();
            await("heartbeats again", () -> taken() > before + 2);
            await("that it listens", () -> metrics().contains("kmodfleet_heartbeats_listening 1.0"));
            assertThat(silentSince(one)).isEmpty();
        }
        await("its silence", () -> silentSince(one).isPresent());
    }

    @Test
    void what_is_no_heartbeat_is_counted_and_stops_nothing_and_whoever_sends_none_is_not_silent() throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", day.stack().kafka()), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(Topics.HEARTBEATS, one.value(), "beat"));
            producer.send(new ProducerRecord<>(Topics.HEARTBEATS, null, "{}"));
            producer.send(new ProducerRecord<>(Topics.HEARTBEATS, one.value(), null));
        }
        day.beat(heartbeat(one));

        await("its silence", () -> silentSince(one).isPresent());

        assertThat(metrics()).contains("kmodfleet_heartbeats_refused_total 3.0");
        assertThat(silentSince(other)).isEmpty();
        assertThat(get("/api/v1/fleet")).contains("\"silent\":1");
        assertThat(day.kmodfleet("hosts").output()).containsOnlyOnce("(silent, last heard of");
        assertThat(day.number("select count(*) from ledger where observation like '%agentVersion%'"))
                .as("heartbeats in the ledger")
                .isZero();
        await("its row", () -> day.number("select count(*) from heartbeat where agent_version = '9.8.7'") == 1);
    }

    private static Heartbeat heartbeat(HostId host) {
        return new Heartbeat(host, "9.8.7", OptionalLong.of(60), 0, Optional.of(List.of()));
    }

    private Optional<Instant> silentSince(HostId host) throws Exception {
        for (JsonNode line : FleetJson.mapper()
                .readTree(get("/api/v1/fleet/hosts?state=silent"))
                .path("items")) {
            if (line.path("host").asText().equals(host.value())) {
                assertThat(line.path("safety").asText()).isEqualTo("SILENT");
                return Optional.of(
                        Instant.parse(line.path("silence").path("heardAt").asText()));
            }
        }
        return Optional.empty();
    }

    private long taken() throws Exception {
        return metrics()
                .lines()
                .filter(line -> line.startsWith("kmodfleet_heartbeats_total"))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private String metrics() throws Exception {
        return get("/q/metrics");
    }

    private String get(String path) throws Exception {
        URI uri = day.stack().coordinatorUrl().resolve(path);
        return HTTP.send(HttpRequest.newBuilder(uri).timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            Thread.sleep(200);
        }
    }
}
