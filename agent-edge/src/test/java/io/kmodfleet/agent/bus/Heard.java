package io.kmodfleet.agent.bus;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Every heartbeat that the broker has, as the coordinator reads them. */
public final class Heard {

    private Heard() {}

    public static List<Heartbeat> heartbeats(TestBroker broker) throws Exception {
        List<Heartbeat> heartbeats = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.address()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(Topics.HEARTBEATS).stream()
                    .map(info -> new TopicPartition(info.topic(), info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end = consumer.endOffsets(partitions).values().stream()
                    .mapToLong(Long::longValue)
                    .sum();
            while (heartbeats.size() < end) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    Map<String, byte[]> headers = new HashMap<>();
                    record.headers().forEach(header -> headers.put(header.key(), header.value()));
                    heartbeats.add(CloudEvents.readHeartbeat(record.key(), record.value(), headers));
                }
            }
        }
        return heartbeats;
    }
}
