package io.kmodfleet.agent.bus;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * The connection that is held while nothing happens: rings when a command for this host has come, and reads none. It knows no
 * contracts, no JSON and no producer, and is that much smaller than a {@link FleetBus}.
 */
public final class CommandBell implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(CommandBell.class);
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);
    private static final int FETCH_WAIT_MILLIS = 30_000;

    private final byte[] key;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final AtomicBoolean wanted = new AtomicBoolean();
    private volatile boolean polling;
    private Optional<TopicPartition> mine = Optional.empty();
    private OptionalLong place;
    private boolean complained;

    /** @param place before which nothing is of interest; the oldest without one */
    public CommandBell(String bootstrapServers, HostId host, OptionalLong place) {
        this.key = host.value().getBytes(StandardCharsets.UTF_8);
        this.place = place;
        Properties settings = FleetBus.settings(bootstrapServers);
        settings.keySet().removeIf(name -> !ConsumerConfig.configNames().contains(name));
        // A command ends the wait at once; each answer without one costs a little of an idle host.
        settings.put("fetch.max.wait.ms", FETCH_WAIT_MILLIS);
        settings.put("request.timeout.ms", FETCH_WAIT_MILLIS + 30_000);
        settings.put("metadata.max.age.ms", 300_000);
        this.consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /**
     * Waits that long for a command for this host.
     *
     * @return whether one is there, or the place is none any more, which the agent must see to as well
     */
    public boolean rings(Duration patience) {
        try {
            if (mine.isEmpty() && !assign()) {
                pause(shorter(patience, AFTER_FAILURE));
                return false;
            }
            polling = true;
            // Whoever wakes it between here and the poll ends the poll; whoever did so before, shortens it.
            Duration wait = wanted.getAndSet(false) ? Duration.ZERO : patience;
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(wait)) {
                complained = false;
                place = OptionalLong.of(record.offset());
                if (Arrays.equals(key, record.key())) {
                    return true;
                }
                place = OptionalLong.of(record.offset() + 1);
            }
        } catch (WakeupException e) {
            wanted.set(false);
        } catch (OffsetOutOfRangeException e) {
            moveTo(OptionalLong.empty());
            return true;
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            complain(e);
            pause(shorter(patience, AFTER_FAILURE));
        } finally {
            polling = false;
        }
        return false;
    }

    /** Whether the brokers answer now. */
    public boolean isAnswered() {
        try {
            return !consumer.partitionsFor(Topics.COMMANDS, ANSWER).isEmpty();
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            return false;
        }
    }

    /** Before which nothing was for this host. */
    public OptionalLong place() {
        return place;
    }

    /** Goes on from there; what was read ahead is read again. */
    public void moveTo(OptionalLong place) {
        this.place = place;
        this.mine = Optional.empty();
    }

    /** Ends a {@link #rings} that waits, or the next one if none does; by another thread. */
    public void wakeUp() {
        wanted.set(true);
        if (polling) {
            consumer.wakeup();
        }
    }

    @Override
    public void close() {
        consumer.close(CloseOptions.timeout(Duration.ofSeconds(1)));
    }

    private boolean assign() {
        List<PartitionInfo> partitions = consumer.partitionsFor(Topics.COMMANDS, ANSWER);
        if (partitions == null || partitions.isEmpty()) {
            return false;
        }
        TopicPartition partition = FleetBus.partitionOf(key, partitions.size());
        consumer.assign(List.of(partition));
        if (place.isPresent()) {
            consumer.seek(partition, place.getAsLong());
        } else {
            consumer.seekToBeginning(List.of(partition));
        }
        mine = Optional.of(partition);
        return true;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration.toMillis());
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    /** Once, until something works again. */
    private void complain(KafkaException failure) {
        if (!complained) {
            LOG.warnf("Kafka is not to be had yet, waiting for it error=%s", failure.getMessage());
            complained = true;
        }
    }
}
