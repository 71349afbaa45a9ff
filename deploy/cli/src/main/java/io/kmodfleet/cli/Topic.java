package io.kmodfleet.cli;

import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import io.kmodfleet.coordinator.audit.Completeness;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Utils;

/** One Kafka topic from its oldest record to the one that was the newest when it was opened; belongs to no consumer group. */
final class Topic implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final String broker;
    private final Map<TopicPartition, Long> oldest;
    private final Map<TopicPartition, Long> ends;

    private Topic(KafkaConsumer<byte[], byte[]> consumer, String broker, List<TopicPartition> parts) {
        this.consumer = consumer;
        this.broker = broker;
        this.oldest = consumer.beginningOffsets(parts, PATIENCE);
        this.ends = consumer.endOffsets(parts, PATIENCE);
        consumer.assign(parts);
        consumer.seekToBeginning(parts);
    }

    static Topic open(String broker, String name) {
        return open(broker, name, Optional.empty());
    }

    /** @param key whose one partition is read; all of them where it is absent */
    static Topic open(String broker, String name, Optional<String> key) {
        KafkaConsumer<byte[], byte[]> consumer;
        try {
            consumer = new KafkaConsumer<>(
                    Map.of(
                            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                            broker,
                            ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                            false,
                            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                            false,
                            ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                            "read_committed",
                            ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                            2000),
                    new ByteArrayDeserializer(),
                    new ByteArrayDeserializer());
        } catch (KafkaException e) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected a broker like 127.0.0.1:7072, but got '" + broker + "': "
                            + (e.getCause() == null ? e : e.getCause()).getMessage());
        }
        try {
            List<PartitionInfo> partitions = consumer.partitionsFor(name, PATIENCE);
            if (partitions == null || partitions.isEmpty()) {
                throw new Trouble(
                        KmodfleetCommand.NOT_FOUND,
                        "Expected the topic " + name + " at " + broker + ", but there is none.");
            }
            return new Topic(
                    consumer,
                    broker,
                    partitions.stream()
                            .map(part -> new TopicPartition(name, part.partition()))
                            .filter(part ->
                                    key.isEmpty() || part.partition() == partitionOf(key.get(), partitions.size()))
                            .toList());
        } catch (KafkaException e) {
            consumer.close();
            throw notReached(broker, e);
        } catch (Trouble e) {
            consumer.close();
            throw e;
        }
    }

    /** As the producer's own partitioner does it (BuiltInPartitioner.partitionForKey). */
    private static int partitionOf(String key, int partitions) {
        return Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8))) % partitions;
    }

    /**
     * The texts of one key, in order.
     *
     * @param follow whether to wait for those that are still to come
     * @param reader says whether it wants more
     */
    void readTexts(String key, boolean follow, Predicate<String> reader) {
        Iterator<ConsumerRecord<byte[], byte[]>> records = records();
        while (records.hasNext()) {
            if (!isWanted(records.next(), key, reader)) {
                return;
            }
        }
        while (follow) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                if (!isWanted(record, key, reader)) {
                    return;
                }
            }
        }
    }

    private static boolean isWanted(ConsumerRecord<byte[], byte[]> record, String key, Predicate<String> reader) {
        boolean other = record.key() == null || !new String(record.key(), StandardCharsets.UTF_8).equals(key);
        return other || reader.test(new String(record.value(), StandardCharsets.UTF_8));
    }

    /** The records of the ledger topic. */
    Iterator<Line> entries() {
        Iterator<ConsumerRecord<byte[], byte[]>> records = records();
        LedgerLines.Parser parser = new LedgerLines.Parser();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return records.hasNext();
            }

            @Override
            public Line next() {
                ConsumerRecord<byte[], byte[]> record = records.next();
                byte[] value = record.value() == null ? new byte[0] : record.value();
                return parser.parse(value, record.offset() + 1);
            }
        };
    }

    /** Tells every record of the observations topic. */
    void compareWith(Completeness completeness) {
        if (oldest.values().stream().anyMatch(offset -> offset > 0)) {
            completeness.someExpired();
        }
        records().forEachRemaining(record -> {
            String where = record.topic() + "-" + record.partition() + "@" + record.offset();
            Map<String, byte[]> headers = new HashMap<>();
            for (Header header : record.headers()) {
                headers.put(header.key(), header.value());
            }
            try {
                completeness.published(where, CloudEvents.readObservation(record.key(), record.value(), headers));
            } catch (UnreadableEvent e) {
                completeness.unreadable(where, e);
            }
        });
    }

    @Override
    public void close() {
        consumer.close();
    }

    private Iterator<ConsumerRecord<byte[], byte[]>> records() {
        return new Iterator<>() {
            private Iterator<ConsumerRecord<byte[], byte[]>> polled =
                    List.<ConsumerRecord<byte[], byte[]>>of().iterator();
            private ConsumerRecord<byte[], byte[]> next;

            @Override
            public boolean hasNext() {
                long heard = System.nanoTime();
                while (next == null) {
                    if (polled.hasNext()) {
                        ConsumerRecord<byte[], byte[]> record = polled.next();
                        TopicPartition part = new TopicPartition(record.topic(), record.partition());
                        next = record.offset() < ends.get(part) ? record : null;
                    } else if (isRead()) {
                        return false;
                    } else if (System.nanoTime() - heard > PATIENCE.toNanos()) {
                        throw notReached(
                                broker, new KafkaException("no record came within " + PATIENCE.toSeconds() + " s"));
                    } else {
                        polled = consumer.poll(Duration.ofMillis(500)).iterator();
                    }
                }
                return true;
            }

            @Override
            public ConsumerRecord<byte[], byte[]> next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                ConsumerRecord<byte[], byte[]> record = next;
                next = null;
                return record;
            }
        };
    }

    private boolean isRead() {
        return ends.entrySet().stream()
                .allMatch(part -> part.getValue() <= oldest.get(part.getKey())
                        || consumer.position(part.getKey(), PATIENCE) >= part.getValue());
    }

    private static Trouble notReached(String broker, KafkaException failure) {
        return new Trouble(
                KmodfleetCommand.NOT_REACHED,
                "Expected Kafka at " + broker + ", but " + failure.getMessage()
                        + ". Is it running? deploy/status shows what runs on this machine; --kafka names another place.");
    }
}
