package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.CoordinatorConfig;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.kmodfleet.coordinator.intake.Turn.Head;
import io.kmodfleet.coordinator.ledger.LedgerLock;
import io.kmodfleet.coordinator.ledger.Snapshots;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Stands by until it has the ledger's lock, then reads the observations topic; an offset is committed when its batch is in the
 * ledger and its commands are out. Whatever ends that (the lock lost, fenced by another, a database that is away) leads back to
 * standing by, never to the end of the process.
 *
 * <p>The consumer exists only while this coordinator is active: one that stands by is no member of the group, so it takes
 * nothing from the active one. Both use the same static member id, so the group does not wait for one that was killed.
 */
@ApplicationScoped
public class ObservationConsumer {

    private static final Logger LOG = Logger.getLogger(ObservationConsumer.class);
    private static final Duration STAND_BY = Duration.ofMillis(500);
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(1);

    /** What is read again after a crash is recognised by its number. */
    private static final Duration ACKNOWLEDGE_EVERY = Duration.ofMillis(200);

    private static final int MUCH = 250;
    private static final Duration END = Duration.ofSeconds(10);

    private final CoordinatorLoop loop;
    private final LedgerLock lock;
    private final Snapshots snapshots;
    private final Dispatcher dispatcher;
    private final CoordinatorConfig config;
    private final Map<String, Object> broker;
    private final Clock clock = Clock.systemUTC();
    private final ExecutorService background = Executors.newFixedThreadPool(2, CoordinatorLoop.named("background"));
    private final Thread thread = CoordinatorLoop.named("intake").newThread(this::run);
    private CompletableFuture<Void> snapshotWritten = CompletableFuture.completedFuture(null);
    private CompletableFuture<Boolean> lockAsked = CompletableFuture.completedFuture(true);
    private long lockAskedAt;
    private long snapshotAt;
    private Instant lastTaken = Instant.MIN;
    private volatile boolean active;
    private volatile boolean ending;

    ObservationConsumer(
            CoordinatorLoop loop,
            LedgerLock lock,
            Snapshots snapshots,
            Dispatcher dispatcher,
            CoordinatorConfig config,
            @Identifier("default-kafka-broker") Map<String, Object> broker) {
        this.loop = loop;
        this.lock = lock;
        this.snapshots = snapshots;
        this.dispatcher = dispatcher;
        this.config = config;
        this.broker = broker;
    }

    void start() {
        thread.start();
    }

    public boolean isActive() {
        return active;
    }

    void onEnd(@Observes ShutdownEvent event) throws InterruptedException {
        ending = true;
        thread.join(END.toMillis());
        background.shutdownNow();
    }

    private void run() {
        String said = "";
        while (!ending) {
            try {
                loop.follow();
                if (lock.tryTake()) {
                    said = "";
                    beActive();
                    continue;
                }
                if (!said.equals("standby")) {
                    LOG.infof(
                            "standing by, another coordinator is active position=%d",
                            loop.state().position());
                    said = "standby";
                }
            } catch (RuntimeException | AssertionError e) {
                if (!said.equals(String.valueOf(e))) {
                    LOG.warnf("not ready to be active, trying again error=%s", e);
                    said = String.valueOf(e);
                }
            }
            pause(STAND_BY);
        }
    }

    private void beActive() {
        int polled = 0;
        long acknowledgedAt = System.nanoTime();
        Ticker ticker = new Ticker();
        Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
        BooleanSupplier mayGoOn = () -> !ending && lock.stillHeld();
        KafkaConsumer<byte[], byte[]> consumer = null;
        try {
            loop.takeOver();
            snapshotAt = Math.max(snapshotAt, loop.snapshotPosition());
            lockAsked = CompletableFuture.completedFuture(true);
            lockAskedAt = System.nanoTime();
            consumer = new KafkaConsumer<>(settings(), new ByteArrayDeserializer(), new ByteArrayDeserializer());
            consumer.subscribe(List.of(Topics.OBSERVATIONS));
            active = true;
            LOG.infof("active position=%d", loop.state().position());
            while (!ending && holdsLock()) {
                if (polled < MUCH) {
                    loop.awaitCommit();
                }
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(loop.isIdle() ? 100 : 5));
                polled = records.count();
                if (!records.isEmpty()) {
                    loop.take(read(records), now(), () -> done.putAll(records.nextOffsets()), mayGoOn);
                }
                loop.settle(mayGoOn);
                if (!done.isEmpty() && System.nanoTime() - acknowledgedAt > ACKNOWLEDGE_EVERY.toNanos()) {
                    consumer.commitAsync(Map.copyOf(done), null);
                    done.clear();
                    acknowledgedAt = System.nanoTime();
                }
                tick(ticker);
                writeSnapshot(config.snapshotEvery());
            }
            if (ending) {
                loop.drain(() -> false);
                if (!done.isEmpty()) {
                    consumer.commitSync(done, END);
                }
                writeSnapshot(1);
                snapshotWritten.join();
            }
        } finally {
            active = false;
            // First of all: another one may go on at once.
            release();
            if (consumer != null) {
                consumer.close(org.apache.kafka.clients.consumer.CloseOptions.timeout(END));
            }
            LOG.infof("not active any more position=%d", loop.state().position());
        }
    }

    private void release() {
        try {
            lock.release();
        } catch (RuntimeException e) {
            LOG.warnf("the ledger's lock ends with its session error=%s", e);
        }
    }

    private static List<Arrival> read(ConsumerRecords<byte[], byte[]> records) {
        List<Arrival> arrivals = new ArrayList<>(records.count());
        for (ConsumerRecord<byte[], byte[]> record : records) {
            arrivals.add(Arrival.of(record));
        }
        return arrivals;
    }

    /** Asks the session every second, beside the work; an answer that is late is a no. */
    private boolean holdsLock() {
        if (lockAsked.isDone() && !lockAsked.join()) {
            return false;
        }
        if (lockAsked.isDone() && System.nanoTime() - lockAskedAt > KEEP_ALIVE.toNanos()) {
            lockAskedAt = System.nanoTime();
            lockAsked = CompletableFuture.supplyAsync(lock::stillHeld, background);
        }
        return true;
    }

    /** As exact as PostgreSQL keeps it. */
    private Instant now() {
        Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
        if (now.plusSeconds(1).isBefore(lastTaken)) {
            LOG.warnf("the clock went backwards from=%s to=%s", lastTaken, now);
        }
        lastTaken = now;
        return now;
    }

    private void tick(Ticker ticker) {
        List<Envelope> struck = ticker.tick(loop.state(), clock.instant(), System.nanoTime());
        if (struck.isEmpty()) {
            return;
        }
        for (Envelope envelope : struck) {
            LOG.infof("deadline passed sequence=%d observation=%s", envelope.sequence(), envelope.observation());
        }
        dispatcher
                .observe(struck.stream().map(CloudEvents::write).toList())
                .subscribe()
                .with(done -> {}, failure -> LOG.warnf("deadlines not published error=%s", failure));
    }

    private void writeSnapshot(long every) {
        Head head = loop.head();
        if (head.state().position() - snapshotAt >= every && head.chain().isPresent() && snapshotWritten.isDone()) {
            snapshotAt = head.state().position();
            snapshotWritten = CompletableFuture.runAsync(() -> snapshots.write(head.state(), head.chain()), background)
                    .exceptionally(failure -> {
                        LOG.warnf("snapshot not written error=%s", failure);
                        return null;
                    });
        }
    }

    private Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>(broker);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, "kmodfleet-coordinator");
        settings.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "kmodfleet-coordinator");
        settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "kmodfleet-coordinator");
        settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
        // A database that is away for hours is waited for.
        settings.put(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, Integer.MAX_VALUE);
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1000);
        settings.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, 8 * 1024 * 1024);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        return settings;
    }

    private static void pause(Duration pause) {
        try {
            Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
