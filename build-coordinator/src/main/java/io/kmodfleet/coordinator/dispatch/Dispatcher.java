package io.kmodfleet.coordinator.dispatch;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.coordinator.ledger.DeadLetter;
import io.kmodfleet.coordinator.ledger.LedgerRow;
import io.smallrye.common.annotation.Identifier;
import io.smallrye.mutiny.Uni;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jboss.logging.Logger;

/**
 * Writes to Kafka, and tries again until the broker has it. One idempotent producer for every topic: what has one key keeps its
 * order. Whatever cannot be sent at once holds up who sends, so nothing piles up while the broker is away.
 */
@ApplicationScoped
public class Dispatcher {

    private static final Logger LOG = Logger.getLogger(Dispatcher.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration END = Duration.ofSeconds(5);

    /** Of one line of the ledger: an observation of 900 kB, and decisions for thousands of hosts. */
    public static final int MAX_LINE = 32 * 1024 * 1024;

    private final KafkaProducer<String, byte[]> producer;
    private final ExecutorService observer = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "kmodfleet-observer");
        thread.setDaemon(true);
        return thread;
    });
    private volatile boolean ended;

    Dispatcher(@Identifier("default-kafka-broker") Map<String, Object> broker) {
        Map<String, Object> settings = new HashMap<>(broker);
        settings.put(ProducerConfig.CLIENT_ID_CONFIG, "kmodfleet-coordinator");
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        // The producer itself tries for ever, so that what goes to one host keeps its order.
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, Integer.MAX_VALUE);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, Integer.MAX_VALUE);
        settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_LINE);
        settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 1);
        settings.put(ProducerConfig.BATCH_SIZE_CONFIG, 128 * 1024);
        settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 2L * MAX_LINE);
        this.producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
    }

    /** A command on its way. @param trace which it belongs to */
    public record Outgoing(Command command, Optional<TraceContext> trace) {}

    /**
     * What is committed, in the order of the ledger. Blocks while the broker takes nothing; done when it has everything.
     *
     * @param rows for the ledger's topic
     * @param at when the commands were decided
     */
    public CompletableFuture<Void> send(
            List<LedgerRow> rows, List<Outgoing> commands, List<DeadLetter> letters, Instant at) {
        List<ProducerRecord<String, byte[]>> records = new ArrayList<>(rows.size() + commands.size() + letters.size());
        for (Outgoing outgoing : commands) {
            ProducerRecord<String, byte[]> record = record(Topics.COMMANDS, CloudEvents.write(outgoing.command(), at));
            outgoing.trace().ifPresent(trace -> record.headers()
                    .add(TraceContext.HEADER, trace.toString().getBytes(StandardCharsets.US_ASCII)));
            records.add(record);
        }
        for (LedgerRow row : rows) {
            records.add(new ProducerRecord<>(
                    Topics.LEDGER,
                    Long.toString(row.entry().position()),
                    row.line().getBytes(StandardCharsets.UTF_8)));
        }
        for (DeadLetter letter : letters) {
            records.add(record(Topics.DEAD_LETTERS, eventOf(letter)));
        }
        return sendAll(records);
    }

    /** What this coordinator observes itself goes the way of all observations, in the order of the calls. */
    public Uni<Void> observe(List<Event> events) {
        return Uni.createFrom().completionStage(() -> CompletableFuture.supplyAsync(
                        () -> sendAll(events.stream()
                                .map(event -> record(Topics.OBSERVATIONS, event))
                                .toList()),
                        observer)
                .thenCompose(sent -> sent));
    }

    @PreDestroy
    void end() {
        ended = true;
        observer.shutdown();
        producer.close(END);
    }

    private CompletableFuture<Void> sendAll(List<ProducerRecord<String, byte[]>> records) {
        CompletableFuture<Void> all = new CompletableFuture<>();
        if (records.isEmpty()) {
            all.complete(null);
            return all;
        }
        AtomicInteger missing = new AtomicInteger(records.size());
        records.forEach(record -> send(record, all, missing));
        return all;
    }

    private void send(ProducerRecord<String, byte[]> record, CompletableFuture<Void> all, AtomicInteger missing) {
        try {
            producer.send(record, (sent, failure) -> {
                if (failure == null) {
                    arrived(all, missing);
                } else {
                    again(record, failure, all, missing);
                }
            });
        } catch (RuntimeException e) {
            again(record, e, all, missing);
        }
    }

    private void again(
            ProducerRecord<String, byte[]> record,
            Exception failure,
            CompletableFuture<Void> all,
            AtomicInteger missing) {
        if (ended) {
            all.completeExceptionally(failure);
        } else if (failure instanceof RecordTooLargeException) {
            // The ledger has it, and the API shows it; waiting for ever would hold up everybody else.
            LOG.errorf("not sent, too large topic=%s key=%s error=%s", record.topic(), record.key(), failure);
            arrived(all, missing);
        } else {
            LOG.warnf("send failed, trying again topic=%s key=%s error=%s", record.topic(), record.key(), failure);
            CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(() -> send(record, all, missing));
        }
    }

    private static void arrived(CompletableFuture<Void> all, AtomicInteger missing) {
        if (missing.decrementAndGet() == 0) {
            all.complete(null);
        }
    }

    private static Event eventOf(DeadLetter letter) {
        return new Event(
                letter.topic() + "-" + letter.partition() + "-" + letter.offset(),
                FleetJson.writeBytes(letter),
                Map.of(
                        "content-type",
                        "application/json",
                        "problem",
                        letter.problem().name()));
    }

    private static ProducerRecord<String, byte[]> record(String topic, Event event) {
        RecordHeaders headers = new RecordHeaders();
        event.headers().forEach((name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
        return new ProducerRecord<>(topic, null, event.key(), event.value(), headers);
    }
}
