package io.kmodfleet.deploy.demo;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.HeartbeatText;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.deploy.demo.Rehearsal.Outcome;
import io.kmodfleet.deploy.standalone.Progress;
import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A stack whose ledger holds a day of a fleet: two hosts that can build, four that cannot. */
final class RecordedDay implements AutoCloseable {

    private static final Path HOME = Path.of(System.getProperty("kmodfleet.home", "../.."))
            .toAbsolutePath()
            .normalize();
    static final Path HISTORY = HOME.resolve("build-coordinator/src/test/resources/histories/rules-1/random-0.jsonl");

    /** Nobody waits five minutes in a test. */
    static final Duration SILENT_AFTER = Duration.ofSeconds(6);

    private final List<Envelope> published = new ArrayList<>();
    private final StackOptions options;
    private final Stack stack;
    private final Rehearsal rehearsal;

    private RecordedDay(StackOptions options, Stack stack, Rehearsal rehearsal) {
        this.options = options;
        this.stack = stack;
        this.rehearsal = rehearsal;
    }

    static RecordedDay begin(Path directory) throws IOException, InterruptedException {
        StackOptions options = StackOptions.embedded(HOME, directory.resolve("data"))
                .withSettings(Map.of("KMODFLEET_COORDINATOR_SILENT_AFTER", SILENT_AFTER.toSeconds() + "s"));
        Stack stack = Stack.start(options, Progress.silent());
        RecordedDay day = new RecordedDay(
                options, stack, new Rehearsal(HOME, stack, Files.createDirectory(directory.resolve("work"))));
        for (String line : Files.readAllLines(HISTORY)) {
            day.published.add(FleetJson.mapper()
                    .treeToValue(FleetJson.mapper().readTree(line).get("envelope"), Envelope.class));
        }
        day.publish(day.published);
        // The stack has published its default policy before.
        day.awaitPosition(day.published.size() + 1L);
        return day;
    }

    Stack stack() {
        return stack;
    }

    /** The last report of a host as the next one of it: nothing changed, and it is another observation. */
    Envelope reportedAgain(int host) {
        List<String> sources = published.stream()
                .filter(envelope -> envelope.observation() instanceof Observation.HostReported)
                .map(Envelope::source)
                .distinct()
                .sorted()
                .toList();
        String source = sources.get(host);
        Envelope report = null;
        long sequence = 0;
        for (Envelope envelope : published) {
            if (envelope.source().equals(source)) {
                sequence = envelope.sequence();
                report = envelope.observation() instanceof Observation.HostReported ? envelope : report;
            }
        }
        Envelope next = new Envelope(source, report.epoch(), sequence + 1, report.at(), report.observation());
        published.add(next);
        return next;
    }

    List<Envelope> published() {
        return published;
    }

    /** As an agent would that says once a second that it lives; until it is closed. */
    AutoCloseable beating(Supplier<Heartbeat> heartbeat) {
        Thread thread = new Thread(
                () -> {
                    try (KafkaProducer<byte[], byte[]> producer = producer()) {
                        while (!Thread.currentThread().isInterrupted()) {
                            producer.send(recordOf(heartbeat.get()));
                            Thread.sleep(1_000);
                        }
                    } catch (InterruptedException | org.apache.kafka.common.errors.InterruptException e) {
                        // The agent is gone.
                    }
                },
                "agent");
        thread.setDaemon(true);
        thread.start();
        return () -> {
            thread.interrupt();
            thread.join();
        };
    }

    /** Once. */
    void beat(Heartbeat heartbeat) {
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            producer.send(recordOf(heartbeat));
        }
    }

    private static ProducerRecord<byte[], byte[]> recordOf(Heartbeat heartbeat) {
        CloudEvents.Event event = HeartbeatText.write(heartbeat, Instant.now());
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(Topics.HEARTBEATS, event.key().getBytes(StandardCharsets.UTF_8), event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        return record;
    }

    Outcome kmodfleet(String... arguments) throws IOException, InterruptedException {
        return rehearsal.kmodfleet(arguments);
    }

    void publish(List<Envelope> envelopes) {
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            for (Envelope envelope : envelopes) {
                CloudEvents.Event event = CloudEvents.write(envelope);
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                        Topics.OBSERVATIONS, 0, event.key().getBytes(StandardCharsets.UTF_8), event.value());
                event.headers()
                        .forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
                producer.send(record);
            }
        }
    }

    void publishJunk() {
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            producer.send(new ProducerRecord<>(Topics.OBSERVATIONS, 0, null, "junk".getBytes(StandardCharsets.UTF_8)));
        }
    }

    void awaitPosition(long position) throws IOException, InterruptedException {
        URI after = stack.coordinatorUrl().resolve("/api/v1/ledger?after=" + (position - 1));
        for (int i = 0; i < 300; i++) {
            HttpResponse<String> answer = HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(after).build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() == 200 && !answer.body().isEmpty()) {
                return;
            }
            Thread.sleep(100);
        }
        throw new AssertionError("Expected ledger position " + position + " within 30 s");
    }

    /** By hand; how many rows it changed. */
    int change(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    long number(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getLong(1);
        }
    }

    @Override
    public void close() throws IOException {
        rehearsal.close();
        stack.close();
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + options.ports().postgres() + "/coordinator", "postgres", "");
    }

    private KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", stack.kafka()), new ByteArraySerializer(), new ByteArraySerializer());
    }
}
