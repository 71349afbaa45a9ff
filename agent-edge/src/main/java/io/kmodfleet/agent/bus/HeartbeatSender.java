package io.kmodfleet.agent.bus;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.HeartbeatText;
import io.kmodfleet.contracts.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends heartbeats, now or never: one that the broker does not take is gone, and the next one says the same. Nobody is told of it;
 * whoever waits for commands says already that Kafka is away.
 */
public final class HeartbeatSender implements AutoCloseable {

    private static final Duration LONGEST = Duration.ofSeconds(5);

    private final Properties settings;
    private Optional<KafkaProducer<byte[], byte[]>> producer = Optional.empty();

    public HeartbeatSender(String bootstrapServers) {
        settings = FleetBus.settings(bootstrapServers);
        settings.keySet().removeIf(name -> !ProducerConfig.configNames().contains(name));
        // One small record a minute: nothing to collect, to repeat or to keep in order.
        settings.put("acks", "1");
        settings.put("enable.idempotence", false);
        settings.put("retries", 0);
        settings.put("batch.size", 0);
        settings.put("linger.ms", 0);
        settings.put("buffer.memory", 128 * 1024L);
        settings.put("max.request.size", 128 * 1024);
        settings.put("send.buffer.bytes", 16 * 1024);
        settings.put("receive.buffer.bytes", 16 * 1024);
        settings.put("max.block.ms", LONGEST.toMillis());
        settings.put("request.timeout.ms", (int) LONGEST.toMillis());
        settings.put("delivery.timeout.ms", (int) LONGEST.toMillis());
        settings.put("metadata.max.age.ms", 300_000);
    }

    /** @return whether the broker has it */
    public boolean send(Heartbeat heartbeat) {
        Event event = HeartbeatText.write(heartbeat, Instant.now());
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(Topics.HEARTBEATS, event.key().getBytes(StandardCharsets.UTF_8), event.value());
        for (Map.Entry<String, String> header : event.headers().entrySet()) {
            record.headers().add(header.getKey(), header.getValue().getBytes(StandardCharsets.UTF_8));
        }
        try {
            if (producer.isEmpty()) {
                producer = Optional.of(
                        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer()));
            }
            producer.get().send(record).get(LONGEST.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException | ExecutionException | TimeoutException e) {
            // It would go on asking for the broker, and say so, without anybody waiting for it.
            close();
            return false;
        }
    }

    @Override
    public void close() {
        if (producer.isPresent()) {
            KafkaProducer<byte[], byte[]> closing = producer.get();
            producer = Optional.empty();
            try {
                closing.close(Duration.ZERO);
            } catch (KafkaException e) {
                // Whoever was told to end does not wait for its thread; there is nothing in it that somebody would
                // miss.
            }
        }
    }
}
