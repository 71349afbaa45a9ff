package io.kmodfleet.coordinator.intake;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.TestBroker;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.LedgerChain;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Halts a real coordinator, as a power cut would, between any two of its steps; Byteman puts the halt there. */
class FailPointsIT {

    private static final int HALTED = 77;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /** Where, and at which passage: late enough that work of the halt before was taken up again. */
    private record FailPoint(String between, String type, String method, String at) {
        String rule() {
            return String.join(
                    "\n",
                    "RULE " + between,
                    "CLASS " + type,
                    "METHOD " + method,
                    "AT " + at,
                    "IF incrementCounter(\"passages\") == 4",
                    "DO Runtime.getRuntime().halt(" + HALTED + ")",
                    "ENDRULE",
                    "");
        }
    }

    private static final String HERE = "io.kmodfleet.coordinator.";
    private static final String CONSUMER = "org.apache.kafka.clients.consumer.KafkaConsumer";
    private static final List<FailPoint> FAIL_POINTS = List.of(
            new FailPoint("poll and decode", HERE + "intake.ObservationConsumer", "read", "ENTRY"),
            new FailPoint("decode and decide", HERE + "intake.Turn", "decide", "ENTRY"),
            new FailPoint("decide and append", HERE + "ledger.Ledger", "append", "ENTRY"),
            new FailPoint("append and commit", HERE + "ledger.Ledger", "transact", "EXIT"),
            new FailPoint(
                    "commit and publish", HERE + "dispatch.Dispatcher", "send(List, List, List, Instant)", "ENTRY"),
            new FailPoint(
                    "publish and its end", HERE + "dispatch.Dispatcher", "send(List, List, List, Instant)", "EXIT"),
            new FailPoint("publish and offset commit", CONSUMER, "commitAsync(Map, OffsetCommitCallback)", "ENTRY"),
            new FailPoint("offset commit and next poll", CONSUMER, "commitAsync(Map, OffsetCommitCallback)", "EXIT"));

    @TempDir
    private Path directory;

    private TestDatabase database;
    private TestBroker broker;
    private KafkaProducer<String, byte[]> producer;
    private final List<Envelope> published = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        database = new TestDatabase();
        broker = new TestBroker(Files.createDirectories(directory.resolve("kafka"))).start();
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new StringSerializer(), new ByteArraySerializer());
    }

    @AfterEach
    void end() throws Exception {
        producer.close();
        broker.close();
        database.close();
    }

    @Test
    void halted_between_any_two_steps_it_loses_nothing_and_does_nothing_twice() throws Exception {
        for (FailPoint point : FAIL_POINTS) {
            Process coordinator = coordinator(Optional.of(point));
            try {
                publishUntilItEnds(coordinator, point);
            } finally {
                coordinator.destroyForcibly();
            }
            assertThat(coordinator.waitFor()).as(point.between()).isEqualTo(HALTED);
        }
        Process coordinator = coordinator(Optional.empty());
        try {
            await(published.size());
            assertEverythingIsInTheLedgerOnce();
            assertEveryDecisionWentOut();
            assertEverybodyIsAcknowledged();
            assertWhatCannotBeReadIsNamedOnce();
        } finally {
            coordinator.destroyForcibly().waitFor();
        }
    }

    private void publishUntilItEnds(Process coordinator, FailPoint point) throws Exception {
        if (published.isEmpty()) {
            awaitTopics(coordinator);
            for (Envelope envelope : Observed.beginning()) {
                publish(envelope);
            }
        }
        long end = System.nanoTime() + PATIENCE.toNanos();
        String image =
                "image-" + point.type().length() + point.at() + point.between().length();
        producer.send(new ProducerRecord<>(
                        Topics.OBSERVATIONS, "junk", ("junk " + point.between()).getBytes(StandardCharsets.UTF_8)))
                .get();
        for (int host = 0; !coordinator.waitFor(50, TimeUnit.MILLISECONDS); host++) {
            assertThat(System.nanoTime())
                    .as("halts between " + point.between() + ":\n" + log())
                    .isLessThan(end);
            publish(Observed.report(point.between() + "/" + host, 1, image.toLowerCase(java.util.Locale.ROOT)));
        }
    }

    private void publish(Envelope envelope) throws Exception {
        Event event = CloudEvents.write(envelope);
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(Topics.OBSERVATIONS, event.key(), event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        producer.send(record).get();
        published.add(envelope);
    }

    private void assertEverythingIsInTheLedgerOnce() {
        List<LedgerEntry> ledger = new ArrayList<>();
        database.ledger().read(0, ledger::add);
        assertThat(ledger.stream().map(entry -> nameOf(entry.envelope())))
                .containsExactlyInAnyOrderElementsOf(
                        published.stream().map(FailPointsIT::nameOf).toList());
        FleetState state = FleetState.empty();
        Optional<Digest> chain = Optional.empty();
        List<Object> built = new ArrayList<>();
        for (LedgerEntry entry : ledger) {
            Step step = Step.take(state, entry.envelope(), entry.takenAt(), entry.rules());
            assertThat(step.decisions()).isEqualTo(entry.decisions());
            state = step.after();
            chain = Optional.of(LedgerChain.next(chain, entry));
            assertThat(entry.chain()).isEqualTo(chain);
            entry.decisions().stream()
                    .filter(Decision.Build.class::isInstance)
                    .forEach(decision -> built.add(((Decision.Build) decision).target()));
        }
        assertThat(built).isNotEmpty().doesNotHaveDuplicates();
    }

    private void assertEveryDecisionWentOut() {
        Set<String> decided = new java.util.TreeSet<>();
        database.ledger().read(0, entry -> entry.decisions()
                .forEach(decision -> decided.add(decision.id().toString())));
        Set<String> sent = broker.records(Topics.COMMANDS, Integer.MAX_VALUE, Duration.ofSeconds(10)).stream()
                .map(FailPointsIT::idOf)
                .collect(Collectors.toSet());
        assertThat(sent).containsAll(decided);
        assertThat(broker.records(Topics.LEDGER, Integer.MAX_VALUE, Duration.ofSeconds(5)).stream()
                        .map(line -> Long.parseLong(new String(line.key(), StandardCharsets.UTF_8)))
                        .distinct())
                .hasSize(published.size());
    }

    private void assertEverybodyIsAcknowledged() {
        Set<String> hosts = published.stream()
                .filter(envelope -> envelope.observation() instanceof Observation.HostReported)
                .map(Envelope::source)
                .collect(Collectors.toSet());
        Set<String> told = broker.records(Topics.COMMANDS, Integer.MAX_VALUE, Duration.ofSeconds(5)).stream()
                .filter(record -> headerOf(record, "ce_type").equals("io.kmodfleet.acknowledge.v1"))
                .map(record -> new String(record.key(), StandardCharsets.UTF_8))
                .collect(Collectors.toSet());
        assertThat(told).isEqualTo(hosts);
    }

    /** On the topic at least once, in the database once. */
    private void assertWhatCannotBeReadIsNamedOnce() {
        assertThat(database.number("select count(*) from dead_letter")).isEqualTo(FAIL_POINTS.size());
        assertThat(broker.records(Topics.DEAD_LETTERS, Integer.MAX_VALUE, Duration.ofSeconds(5)).stream()
                        .map(record -> new String(record.key(), StandardCharsets.UTF_8))
                        .distinct())
                .hasSize(FAIL_POINTS.size());
    }

    private Process coordinator(Optional<FailPoint> point) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (point.isPresent()) {
            Path rule =
                    Files.writeString(directory.resolve("rule.btm"), point.get().rule());
            command.add("-javaagent:" + byteman() + "=script:" + rule + ",boot:" + byteman());
        }
        command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-jar", "target/quarkus-app/quarkus-run.jar"));
        String place = "postgresql://127.0.0.1:" + database.port() + "/postgres";
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("coordinator.log").toFile());
        builder.environment()
                .putAll(Map.of(
                        "KAFKA_BOOTSTRAP_SERVERS",
                        broker.address(),
                        "QUARKUS_DATASOURCE_REACTIVE_URL",
                        place,
                        "QUARKUS_DATASOURCE_JDBC_URL",
                        "jdbc:" + place,
                        "QUARKUS_DATASOURCE_USERNAME",
                        "postgres",
                        "QUARKUS_DATASOURCE_PASSWORD",
                        "postgres",
                        "QUARKUS_HTTP_PORT",
                        "0"));
        return builder.start();
    }

    private static String byteman() {
        return Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator))
                .filter(entry -> Path.of(entry).getFileName().toString().startsWith("byteman-"))
                .findFirst()
                .orElseThrow();
    }

    private void awaitTopics(Process coordinator) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!broker.topics().contains(Topics.OBSERVATIONS)) {
            assertThat(coordinator.isAlive() && System.nanoTime() < end)
                    .as(log())
                    .isTrue();
            Thread.sleep(100);
        }
    }

    private void await(int entries) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (database.number("select count(*) from ledger") < entries) {
            assertThat(System.nanoTime()).as(log()).isLessThan(end);
            Thread.sleep(200);
        }
    }

    private String log() throws IOException {
        return Files.readString(directory.resolve("coordinator.log"));
    }

    private static String nameOf(Envelope envelope) {
        return envelope.source() + "/" + envelope.epoch() + "/" + envelope.sequence();
    }

    private static String idOf(ConsumerRecord<byte[], byte[]> record) {
        return headerOf(record, "ce_id");
    }

    private static String headerOf(ConsumerRecord<byte[], byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }
}
