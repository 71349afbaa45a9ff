package io.kmodfleet.agent.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.bus.Heard;
import io.kmodfleet.agent.bus.TestBroker;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real service process, with a real broker and no coordinator: the test answers for it. */
class AgentServiceIT {

    private static final Duration LONGEST = Duration.ofSeconds(60);
    private static final String MACHINE_ID = "0123456789abcdef0123456789abcdef";
    private static final HostId HOST = HostId.fromMachineId(MACHINE_ID);

    @TempDir
    Path directory;

    private TestBroker broker;
    private Path root;
    private Path log;
    private Process service;

    @BeforeEach
    void start() throws Exception {
        broker = new TestBroker(Files.createDirectory(directory.resolve("broker"))).start();
        broker.createTopics(3, Topics.COMMANDS, Topics.OBSERVATIONS, Topics.HEARTBEATS);
        root = directory.resolve("root");
        for (String part : List.of("etc", "var/lib", "boot", "lib/modules", "run")) {
            Files.createDirectories(root.resolve(part));
        }
        Files.writeString(root.resolve("etc/machine-id"), MACHINE_ID + "\n");
        log = directory.resolve("service.log");
    }

    @AfterEach
    void end() throws InterruptedException {
        if (service != null) {
            service.destroy();
            service.waitFor(30, TimeUnit.SECONDS);
            service.descendants().forEach(ProcessHandle::destroyForcibly);
            service.destroyForcibly();
        }
        broker.close();
    }

    @Test
    void what_it_reported_once_it_does_not_report_again_when_it_is_woken() throws Exception {
        service = service(Map.of());
        acknowledge(awaitObservations(1).get(0));
        await(() -> shifts() == 1 && isResting());

        touchSign();
        await(() -> shifts() == 2 && isResting());

        assertThat(observations()).hasSize(1);
    }

    @Test
    void a_command_for_its_host_wakes_it_and_one_for_another_host_does_not() throws Exception {
        service = service(Map.of());
        Envelope report = awaitObservations(1).get(0);
        acknowledge(report);
        await(() -> shifts() == 1 && isResting());

        for (int i = 0; i < 20; i++) {
            command(new Command.Acknowledge(new HostId("%032x".formatted(i)), 1, 1));
        }
        Thread.sleep(3_000);
        assertThat(shifts()).isEqualTo(1);
        // Of a counting that this host never had: nothing comes of it, but it must be looked at.
        command(new Command.Acknowledge(HOST, 1, 1));
        await(() -> shifts() == 2 && isResting());
    }

    @Test
    void it_tells_systemd_that_it_is_ready_and_that_it_lives() throws Exception {
        Path bin = Files.createDirectory(directory.resolve("bin"));
        Path told = directory.resolve("told");
        Path program = Files.writeString(bin.resolve("systemd-notify"), "#!/bin/sh\necho \"$*\" >>" + told + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        service = service(Map.of(
                "PATH", bin + ":" + System.getenv("PATH"), "NOTIFY_SOCKET", "@test", "WATCHDOG_USEC", "3000000"));

        await(() -> lines(told).stream().anyMatch(line -> line.startsWith("--ready")));
        acknowledge(awaitObservations(1).get(0));
        await(() -> shifts() == 1 && isResting());
        // Whatever ends a wait makes it turn; the sign wakes it.
        touchSign();
        await(() -> lines(told).contains("WATCHDOG=1"));
    }

    @Test
    void killed_it_leaves_no_shift_behind() throws Exception {
        service = service(Map.of());
        awaitObservations(1);
        List<ProcessHandle> shift = service.descendants().toList();
        assertThat(shift).isNotEmpty();

        service.destroyForcibly();

        await(() -> shift.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void between_its_shifts_it_says_that_it_lives_and_which_devices_its_host_has() throws Exception {
        Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(
                root.resolve("proc/self/mountinfo"), "28 1 253:1 / / rw shared:1 - ext4 /dev/mapper/vg-root rw\n");
        service = service(Map.of("KMODFLEET_HEARTBEAT_EVERY", "1"));
        acknowledge(awaitObservations(1).get(0));
        await(() -> shifts() == 1 && isResting());
        int afterTheShift = heartbeats().size();

        await(() -> heartbeats().size() >= afterTheShift + 3);

        assertThat(isResting()).isTrue();
        assertThat(heartbeats()).allSatisfy(heartbeat -> {
            assertThat(heartbeat.host()).isEqualTo(HOST);
            assertThat(heartbeat.unsent()).isLessThanOrEqualTo(1);
        });
        List<Heartbeat> resting =
                heartbeats().subList(afterTheShift, heartbeats().size());
        assertThat(resting)
                .filteredOn(heartbeat -> heartbeat.devices().isPresent())
                .as("those that name the devices: they did not change")
                .hasSizeLessThanOrEqualTo(1);
        assertThat(heartbeats().get(0).devices()).hasValueSatisfying(devices -> assertThat(devices)
                .singleElement()
                .satisfies(device -> assertThat(device.path()).isEqualTo("/dev/mapper/vg-root")));
        service.destroy();
        assertThat(service.waitFor(30, TimeUnit.SECONDS)).as("it ends").isTrue();
        assertThat(lines(log)).as("what it says at its end").noneMatch(line -> line.contains("Exception"));
    }

    @Test
    void what_it_could_not_say_while_no_broker_answered_it_never_says_and_says_no_word_about_it() throws Exception {
        service = service(Map.of("KMODFLEET_HEARTBEAT_EVERY", "1"));
        acknowledge(awaitObservations(1).get(0));
        await(() -> shifts() == 1 && isResting() && heartbeats().size() > 2);
        int before = heartbeats().size();
        broker.close();
        int said = lines(log).size();
        Thread.sleep(12_000);
        broker.start();
        Instant back = Instant.now();

        await(() -> heartbeats().size() > before);

        long most = Duration.between(back, Instant.now()).toSeconds() + 3;
        assertThat(heartbeats().size() - before).isLessThanOrEqualTo((int) most);
        assertThat(lines(log).size() - said).as("%s", lines(log)).isLessThanOrEqualTo(1);
        assertThat(service.isAlive()).isTrue();
    }

    private List<Heartbeat> heartbeats() {
        try {
            return Heard.heartbeats(broker);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private Process service(Map<String, String> more) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dorg.jboss.logging.provider=jdk",
                        "-Dkmodfleet.shift.options=-Dorg.jboss.logging.provider=jdk",
                        "-cp",
                        System.getProperty("java.class.path"),
                        AgentService.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("KMODFLEET_ROOT", root.toString());
        builder.environment().put("KMODFLEET_KAFKA", broker.address());
        builder.environment().putAll(more);
        return builder.start();
    }

    private void touchSign() throws IOException {
        Files.writeString(root.resolve("run/kmodfleet/changed"), Instant.now().toString());
    }

    private long shifts() {
        return lines(log).stream()
                .filter(line -> line.contains("agent started"))
                .count();
    }

    private boolean isResting() {
        return service.descendants().findAny().isEmpty();
    }

    private static List<String> lines(Path file) {
        try {
            return Files.exists(file) ? Files.readAllLines(file) : List.of();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + LONGEST.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time; it said %s", lines(log)).isLessThan(end);
            Thread.sleep(100);
        }
    }

    private List<Envelope> awaitObservations(int count) throws Exception {
        long end = System.nanoTime() + LONGEST.toNanos();
        List<Envelope> all = observations();
        while (all.size() < count) {
            assertThat(System.nanoTime()).as("in time; it said %s", lines(log)).isLessThan(end);
            Thread.sleep(100);
            all = observations();
        }
        return all;
    }

    /** Each once: what is not acknowledged is sent again. */
    private List<Envelope> observations() throws Exception {
        Map<Long, Envelope> bySequence = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.address()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(Topics.OBSERVATIONS)
                    .forEach(info -> partitions.add(new TopicPartition(info.topic(), info.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end = consumer.endOffsets(partitions).values().stream()
                    .mapToLong(Long::longValue)
                    .sum();
            for (long seen = 0; seen < end; ) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    seen++;
                    Map<String, byte[]> headers = new HashMap<>();
                    record.headers().forEach(header -> headers.put(header.key(), header.value()));
                    Envelope envelope = CloudEvents.readObservation(record.key(), record.value(), headers);
                    bySequence.put(envelope.sequence(), envelope);
                }
            }
        }
        return List.copyOf(bySequence.values());
    }

    private void acknowledge(Envelope envelope) throws Exception {
        command(new Command.Acknowledge(HOST, envelope.epoch(), envelope.sequence()));
    }

    private void command(Command command) throws Exception {
        Event event = CloudEvents.write(command, Instant.now());
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new ByteArraySerializer(), new ByteArraySerializer())) {
            ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(Topics.COMMANDS, event.key().getBytes(StandardCharsets.UTF_8), event.value());
            event.headers()
                    .forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
            producer.send(record).get();
        }
    }
}
