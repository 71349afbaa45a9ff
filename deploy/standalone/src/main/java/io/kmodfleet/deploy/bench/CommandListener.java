package io.kmodfleet.deploy.bench;

import io.kmodfleet.contracts.wire.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Hears every command that goes out from now on, as all agents together would. Acknowledgements are not counted. */
final class CommandListener implements AutoCloseable {

    private static final String ACKNOWLEDGE = "io.kmodfleet.acknowledge.v1";

    private final KafkaConsumer<String, byte[]> consumer;
    private final Consumer<String> each;
    private final AtomicLong heard = new AtomicLong();
    private final Thread thread = new Thread(this::listen, "commands");
    private volatile boolean ended;

    /** @param each is told the host of every decision's command */
    CommandListener(String kafka, Consumer<String> each) {
        this.each = each;
        consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka, "max.poll.records", 5000),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        consumer.assign(consumer.partitionsFor(Topics.COMMANDS).stream()
                .map(partition -> new TopicPartition(Topics.COMMANDS, partition.partition()))
                .toList());
        consumer.seekToEnd(consumer.assignment());
        consumer.assignment().forEach(consumer::position);
        thread.start();
    }

    /** Commands of decisions so far. */
    long heard() {
        return heard.get();
    }

    private void listen() {
        while (!ended) {
            for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                Header type = record.headers().lastHeader("ce_type");
                if (!new String(type.value(), StandardCharsets.US_ASCII).equals(ACKNOWLEDGE)) {
                    each.accept(record.key());
                    heard.incrementAndGet();
                }
            }
        }
        consumer.close();
    }

    @Override
    public void close() throws InterruptedException {
        ended = true;
        thread.join();
    }
}
