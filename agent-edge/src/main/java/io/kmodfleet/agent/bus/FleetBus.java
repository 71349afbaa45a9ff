package io.kmodfleet.agent.bus;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
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
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);
    private static final Duration BEHIND = Duration.ofMillis(200);
    private static final int MOST_AT_ONCE = 10_000;
    private static final int MOST_LINE = 4_000;

    private final byte[] key;
    private final Properties settings;
    private final KafkaProducer<byte[], byte[]> producer;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicBoolean wanted = new AtomicBoolean();
    private Optional<TopicPartition> mine = Optional.empty();
    private volatile boolean polling;
    private boolean complained;

    /**
     * A command for this host.
     *
     * @param at when it was sent
     * @param offset where it stood
     * @param digest of its bytes: a repeat has the same
     * @param trace which it belongs to
     */
    public record Received(Command command, Instant at, long offset, Digest digest, Optional<TraceContext> trace) {}

    /** Where the agent stood among the commands is no place any more: the topic was made anew, or its oldest part is gone. */
    public static final class PlaceLost extends Exception {
        PlaceLost(String message) {
            super(message);
        }
    }

    public FleetBus(String bootstrapServers, HostId host) {
        this.key = host.value().getBytes(StandardCharsets.UTF_8);
        this.settings = settings(bootstrapServers);
        this.producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        this.consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /**
     * Whether the broker was heard of and knows the topics. Waits a little where it was not.
     *
     * @param from the place among the commands to begin at; the oldest without one
     */
    public boolean connect(OptionalLong from, Duration patience) throws InterruptedException {
        return mine.isPresent() || assign(from, patience);
    }

    /** Whether the broker has everything that was sent. */
    public boolean isIdle() {
        return underWay.get() == 0;
    }

    /**
     * Hands it to the producer, which keeps the order and tries for ever; the ledger's acknowledgement says when it is safe.
     *
     * @return false where the producer cannot take it now; what comes after it must wait too
     */
    public boolean send(Envelope envelope) {
        return send(envelope, Optional.empty());
    }

    /**
     * The same with the trace that it belongs to.
     *
     * @return false where the producer cannot take it now; what comes after it must wait too
     */
    public boolean send(Envelope envelope, Optional<TraceContext> trace) {
        Event event = CloudEvents.write(envelope);
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(Topics.OBSERVATIONS, key, event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        trace.ifPresent(context ->
                record.headers().add(TraceContext.HEADER, context.toString().getBytes(StandardCharsets.US_ASCII)));
        underWay.incrementAndGet();
        AtomicReference<Exception> refused = new AtomicReference<>();
        try {
            producer.send(record, (done, failure) -> {
                underWay.decrementAndGet();
                refused.set(failure);
            });
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            underWay.decrementAndGet();
            refused.set(e);
        }
        if (refused.get() != null) {
            complain(refused.get().getMessage());
        }
        return refused.get() == null;
    }

    /**
     * Tells whoever looks on a line of a build; by any thread. That it is lost is no failure.
     *
     * @return whether it was handed over
     */
    public boolean tell(String build, String line) {
        byte[] value = line.substring(0, Math.min(line.length(), MOST_LINE)).getBytes(StandardCharsets.UTF_8);
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(Topics.BUILD_LOGS, build.getBytes(StandardCharsets.UTF_8), value);
        record.headers().add("host", key);
        AtomicReference<Exception> refused = new AtomicReference<>();
        try {
            producer.send(record, (done, failure) -> refused.set(failure));
        } catch (KafkaException e) {
            refused.set(e);
        }
        return refused.get() == null;
    }

    /** Commands for this host: what came within that time, and, where many have come, all of them. */
    public List<Received> poll(Duration patience) throws PlaceLost {
        List<Received> received = new ArrayList<>();
        if (mine.isEmpty()) {
            return received;
        }
        try {
            polling = true;
            // Whoever wakes it between here and the poll ends the poll; whoever did so before, shortens it.
            ConsumerRecords<byte[], byte[]> records = consumer.poll(wanted.getAndSet(false) ? Duration.ZERO : patience);
            polling = false;
            while (!records.isEmpty() && received.size() < MOST_AT_ONCE) {
                complained = false;
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    if (Arrays.equals(key, record.key())) {
                        read(record, received);
                    }
                }
                boolean behind = consumer.currentLag(mine.get()).orElse(0) > 0;
                records = behind ? consumer.poll(BEHIND) : ConsumerRecords.empty();
            }
        } catch (WakeupException e) {
            wanted.set(false);
            LOG.debug("woken up");
        } catch (OffsetOutOfRangeException e) {
            consumer.seekToBeginning(List.of(mine.get()));
            throw new PlaceLost(e.getMessage());
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            complain(withCause(e));
            pause(shorter(patience, AFTER_FAILURE));
        } finally {
            polling = false;
        }
        return received;
    }

    /** Ends a {@link #poll} that waits, or the next one if none does; by another thread. */
    public void wakeUp() {
        wanted.set(true);
        if (polling) {
            consumer.wakeup();
        }
    }

    /** The next place in the partition. */
    public OptionalLong place() {
        try {
            return mine.isEmpty() ? OptionalLong.empty() : OptionalLong.of(consumer.position(mine.get(), ASK_AGAIN));
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            // A late wake-up among them: it is asked again.
            return OptionalLong.empty();
        }
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
                TopicPartition partitionOfKey = partitionOf(key, partitions.size());
                consumer.assign(List.of(partitionOfKey));
                if (from.isPresent()) {
                    consumer.seek(partitionOfKey, from.getAsLong());
                } else {
                    consumer.seekToBeginning(List.of(partitionOfKey));
                }
                mine = Optional.of(partitionOfKey);
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

    /** As the producer's own partitioner does it (BuiltInPartitioner.partitionForKey). */
    static TopicPartition partitionOf(byte[] key, int partitions) {
        return new TopicPartition(Topics.COMMANDS, Utils.toPositive(Utils.murmur2(key)) % partitions);
    }

    private static void read(ConsumerRecord<byte[], byte[]> record, List<Received> received) {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), header.value());
        }
        try {
            Command command = CloudEvents.readCommand(record.key(), record.value(), headers);
            received.add(new Received(
                    command,
                    Instant.ofEpochMilli(record.timestamp()),
                    record.offset(),
                    Digest.of(record.value()),
                    TraceContext.read(headers.get(TraceContext.HEADER))));
        } catch (UnreadableEvent e) {
            LOG.warnf(
                    "command not understood, passed over offset=%d problem=%s error=%s",
                    record.offset(), e.problem(), e.getMessage());
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** Some failures come back at once, and would come back a thousand times a second. */
    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration.toMillis());
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    private static String withCause(KafkaException failure) {
        return failure.getCause() == null ? failure.getMessage() : failure.getMessage() + ": " + failure.getCause();
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

    static Properties settings(String bootstrapServers) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrapServers);
        settings.put("acks", "all");
        settings.put("enable.idempotence", true);
        settings.put("delivery.timeout.ms", Integer.MAX_VALUE);
        settings.put("max.block.ms", 2_000);
        settings.put("buffer.memory", 4 * 1024 * 1024L);
        settings.put("max.request.size", 1024 * 1024);
        settings.put("reconnect.backoff.max.ms", 10_000);
        settings.put("reconnect.backoff.ms", 250);
        // Nobody jumps silently: a lost place is told.
        settings.put("auto.offset.reset", "none");
        settings.put("enable.auto.commit", false);
        // A command ends the wait at once; a quiet agent asks seldom.
        settings.put("fetch.max.wait.ms", 10_000);
        settings.put("fetch.max.bytes", 4 * 1024 * 1024);
        settings.put("metadata.max.age.ms", 60_000);
        // Nobody looks at a JVM's management beans on ten thousand hosts, and they cost megabytes on each.
        settings.put("metric.reporters", "");
        settings.put("enable.metrics.push", false);
        return settings;
    }
}
