package io.kmodfleet.agent.bus;

import static io.kmodfleet.agent.Kernels.HOST;
import static io.kmodfleet.agent.Kernels.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.bus.FleetBus.PlaceLost;
import io.kmodfleet.agent.bus.FleetBus.Received;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
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

class FleetBusIT {

    private static final Duration PATIENCE = Duration.ofMillis(300);
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final int PARTITIONS = 7;

    @TempDir
    Path directory;

    private TestBroker broker;

    @BeforeEach
    void start() throws Exception {
        broker = new TestBroker(directory).start();
    }

    @AfterEach
    void end() {
        broker.close();
    }

    @Test
    void it_takes_the_commands_of_its_own_key_from_the_one_partition_they_are_in() throws Exception {
        broker.createTopics(PARTITIONS, Topics.COMMANDS, Topics.OBSERVATIONS);
        try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
            // Enough others that some share the partition.
            for (int i = 0; i < 40; i++) {
                command(acknowledge(new HostId("%032x".formatted(i)), i));
            }
            command(acknowledge(HOST, 1));
            command(acknowledge(HOST, 2));

            assertThat(taken(bus, OptionalLong.empty(), 2))
                    .extracting(Received::command)
                    .containsExactly(acknowledge(HOST, 1), acknowledge(HOST, 2));
        }
    }

    @Test
    void junk_among_the_commands_is_passed_over() throws Exception {
        broker.createTopics(PARTITIONS, Topics.COMMANDS, Topics.OBSERVATIONS);
        try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
            send(new Event(HOST.value(), "junk".getBytes(StandardCharsets.UTF_8), Map.of()));
            Event forAnother = CloudEvents.write(acknowledge(new HostId("f".repeat(32)), 1), Instant.EPOCH);
            send(new Event(HOST.value(), forAnother.value(), forAnother.headers()));
            command(acknowledge(HOST, 3));

            assertThat(taken(bus, OptionalLong.empty(), 1))
                    .extracting(Received::command)
                    .containsExactly(acknowledge(HOST, 3));
        }
    }

    @Test
    void it_begins_where_it_stood() throws Exception {
        broker.createTopics(1, Topics.COMMANDS, Topics.OBSERVATIONS);
        command(acknowledge(HOST, 1));
        command(acknowledge(HOST, 2));
        try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
            assertThat(taken(bus, OptionalLong.of(1), 1))
                    .extracting(Received::command)
                    .containsExactly(acknowledge(HOST, 2));
        }
    }

    @Test
    void a_wake_up_before_a_poll_ends_that_poll_too() throws Exception {
        broker.createTopics(1, Topics.COMMANDS, Topics.OBSERVATIONS);
        command(acknowledge(HOST, 1));
        try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
            taken(bus, OptionalLong.empty(), 1);
            bus.wakeUp();
            long begin = System.nanoTime();

            bus.poll(LONGEST);

            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(LONGEST.dividedBy(2));
        }
    }

    @Test
    void a_place_that_is_gone_is_told_and_then_the_oldest_is_taken() throws Exception {
        broker.createTopics(1, Topics.COMMANDS, Topics.OBSERVATIONS);
        command(acknowledge(HOST, 1));
        command(acknowledge(HOST, 2));
        try (var admin = broker.admin()) {
            admin.deleteRecords(Map.of(new TopicPartition(Topics.COMMANDS, 0), RecordsToDelete.beforeOffset(1)))
                    .all()
                    .get();
        }
        for (long lost : new long[] {0, 99}) {
            try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
                boolean told = false;
                for (Instant end = Instant.now().plus(LONGEST);
                        !told && Instant.now().isBefore(end); ) {
                    try {
                        bus.connect(OptionalLong.of(lost), PATIENCE);
                        bus.poll(PATIENCE);
                    } catch (PlaceLost e) {
                        told = true;
                    }
                }
                assertThat(told).as("place %d", lost).isTrue();
                assertThat(taken(bus, OptionalLong.empty(), 1))
                        .extracting(Received::command)
                        .containsExactly(acknowledge(HOST, 2));
            }
        }
    }

    @Test
    void topics_that_are_not_there_yet_are_waited_for() throws Exception {
        try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
            assertThat(bus.connect(OptionalLong.empty(), PATIENCE)).isFalse();
            broker.createTopics(PARTITIONS, Topics.COMMANDS, Topics.OBSERVATIONS);
            command(acknowledge(HOST, 1));

            assertThat(taken(bus, OptionalLong.empty(), 1)).hasSize(1);
        }
    }

    @Test
    void observations_arrive_in_order_though_the_broker_was_away_in_between() throws Exception {
        broker.createTopics(PARTITIONS, Topics.COMMANDS, Topics.OBSERVATIONS);
        try (FleetBus bus = new FleetBus(broker.address(), HOST)) {
            taken(bus, OptionalLong.empty(), 0);
            bus.send(envelope(1));
            bus.send(envelope(2));
            broker.close();
            boolean third = bus.send(envelope(3));
            boolean both = third && bus.send(envelope(4));
            bus.poll(PATIENCE);
            broker = broker.start();
            for (int next = both ? 5 : third ? 4 : 3; next < 5; ) {
                next += bus.send(envelope(next)) ? 1 : 0;
            }

            assertThat(observed(4)).extracting(Envelope::sequence).containsExactly(1L, 2L, 3L, 4L);
        }
    }

    private List<Received> taken(FleetBus bus, OptionalLong from, int count) throws Exception {
        List<Received> taken = new ArrayList<>();
        Instant end = Instant.now().plus(LONGEST);
        boolean connected = false;
        while ((!connected || taken.size() < count) && Instant.now().isBefore(end)) {
            connected = bus.connect(from, PATIENCE);
            taken.addAll(bus.poll(PATIENCE));
        }
        return taken;
    }

    private List<Envelope> observed(int count) throws Exception {
        List<Envelope> observed = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.address()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> all = consumer.partitionsFor(Topics.OBSERVATIONS).stream()
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                    .toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            for (Instant end = Instant.now().plus(LONGEST);
                    observed.size() < count && Instant.now().isBefore(end); ) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(PATIENCE)) {
                    Map<String, byte[]> headers = new HashMap<>();
                    record.headers().forEach(header -> headers.put(header.key(), header.value()));
                    observed.add(CloudEvents.readObservation(record.key(), record.value(), headers));
                }
            }
        }
        return observed;
    }

    private void command(Command command) throws Exception {
        send(CloudEvents.write(command, Instant.EPOCH));
    }

    private void send(Event event) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.address()), new ByteArraySerializer(), new ByteArraySerializer())) {
            ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(Topics.COMMANDS, event.key().getBytes(StandardCharsets.UTF_8), event.value());
            event.headers()
                    .forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
            producer.send(record).get();
        }
    }

    private static Command acknowledge(HostId host, int sequence) {
        return new Command.Acknowledge(host, 1, sequence);
    }

    private static Envelope envelope(int number) {
        return new Envelope(HOST.value(), 1, number, Instant.EPOCH, failure(number));
    }
}
