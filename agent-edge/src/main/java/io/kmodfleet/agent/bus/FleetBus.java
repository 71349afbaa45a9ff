package io.kmodfleet.agent.bus;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;
import org.jboss.logging.Logger;

/**
 * One connection. The agent assigns itself the one partition of its key and keeps its own place in it: ten thousand hosts are no
 * consumer groups. A broker that is away is waited for.
 */
public final class FleetBus implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(FleetBus.class);
    private static final Duration ASK_AGAIN = Duration.ofSeconds(2);

    private final byte[] key;
    private final Properties settings;
    private final KafkaProducer<byte[], byte[]> producer;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private boolean assigned;
    private boolean complained;

    /** A command for this host, where it stood, and the digest of its bytes: a repeat has the same. */
    public record Received(Command command, long offset, Digest digest) {}

    public FleetBus(String bootstrapServers, HostId host) {
        this.key = host.value().getBytes(StandardCharsets.UTF_8);
        this.settings = settings(bootstrapServers);
        this.producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        this.consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Hands it to the producer, which keeps the order and tries for ever; the ledger's acknowledgement says when it is safe. */
    public void send(Envelope envelope) {
        Event event = CloudEvents.write(envelope);
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(Topics.OBSERVATIONS, key, event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        try {
            producer.send(record);
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            // It stays in the journal and is sent again.
            complain(e.getMessage());
        }
    }

    /** Commands for this host that came within that time, from a place on; from the oldest without one. */
    public List<Received> poll(OptionalLong from, Duration patience) throws InterruptedException {
        if (!assigned && !assign(from, patience)) {
            return List.of();
        }
        List<Received> received = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(patience)) {
            complained = false;
            if (Arrays.equals(key, record.key())) {
                read(record, received);
            }
        }
        return received;
    }

    /** The next place in the partition. */
    public OptionalLong place() {
        return assigned
                ? OptionalLong.of(
                        consumer.position(consumer.assignment().iterator().next()))
                : OptionalLong.empty();
    }

    @Override
    public void close() {
        producer.close(Duration.ofSeconds(1));
        consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofSeconds(1)));
    }

    private boolean assign(OptionalLong from, Duration patience) throws InterruptedException {
        try {
            List<PartitionInfo> partitions = consumer.partitionsFor(Topics.COMMANDS, ASK_AGAIN);
            if (partitions != null && !partitions.isEmpty()) {
                // As the producer's own partitioner does it (BuiltInPartitioner.partitionForKey).
                int partition = Utils.toPositive(Utils.murmur2(key)) % partitions.size();
                TopicPartition mine = new TopicPartition(Topics.COMMANDS, partition);
                consumer.assign(List.of(mine));
                if (from.isPresent()) {
                    consumer.seek(mine, from.getAsLong());
                }
                assigned = true;
                return true;
            }
            complain("the topic " + Topics.COMMANDS + " is not there yet");
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            complain(e.getMessage());
        }
        Thread.sleep(patience.toMillis());
        return false;
    }

    private static void read(ConsumerRecord<byte[], byte[]> record, List<Received> received) {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), header.value());
        }
        try {
            Command command = CloudEvents.readCommand(record.key(), record.value(), headers);
            received.add(new Received(command, record.offset(), Digest.of(record.value())));
        } catch (UnreadableEvent e) {
            LOG.warnf(
                    "command not understood, passed over offset=%d problem=%s error=%s",
                    record.offset(), e.problem(), e.getMessage());
        }
    }

    /** Once, until something works again. */
    private void complain(String error) {
        if (!complained) {
            LOG.warnf(
                    "Kafka is not to be had yet, waiting for it kafka=%s error=%s",
                    settings.get("bootstrap.servers"), error);
            complained = true;
        }
    }

    private static Properties settings(String bootstrapServers) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrapServers);
        settings.put("acks", "all");
        settings.put("enable.idempotence", true);
        settings.put("delivery.timeout.ms", Integer.MAX_VALUE);
        settings.put("max.block.ms", 5_000);
        settings.put("buffer.memory", 4 * 1024 * 1024L);
        settings.put("max.request.size", 1024 * 1024);
        settings.put("reconnect.backoff.max.ms", 10_000);
        settings.put("reconnect.backoff.ms", 250);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", false);
        settings.put("fetch.max.wait.ms", 500);
        settings.put("fetch.max.bytes", 4 * 1024 * 1024);
        settings.put("metadata.max.age.ms", 60_000);
        return settings;
    }
}
