package io.kmodfleet.coordinator.heartbeat;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import io.kmodfleet.coordinator.CoordinatorConfig;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Entry;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Told;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.kmodfleet.coordinator.intake.ObservationConsumer;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Which hosts are silent, and what those that speak last said. One thread reads the topic, as a member of no group; another writes
 * down what changed. A host is silent when nothing was heard of it for a while in which this coordinator would have heard it.
 */
@ApplicationScoped
public class Heartbeats {

    private static final Logger LOG = Logger.getLogger(Heartbeats.class);
    private static final int MOST_HOSTS = 2_000_000;
    private static final int BATCH = 2_000;
    private static final Duration SHORTEST_SILENCE = Duration.ofSeconds(1);
    private static final Duration FLUSH_EVERY = Duration.ofSeconds(20);

    /** Before what was written down last: what may have been heard and not written down. */
    private static final Duration OVERLAP = Duration.ofMinutes(2);

    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration ASK_EVERY = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(4);
    private static final Duration LONGEST_GAP = Duration.ofSeconds(20);
    private static final Duration PAUSE = Duration.ofSeconds(5);
    private static final Duration COMPLAIN_EVERY = Duration.ofMinutes(1);

    private final Map<String, Object> broker;
    private final HeartbeatTable table;
    private final CoordinatorLoop loop;
    private final ObservationConsumer observations;
    private final Duration silentAfter;
    private final Clock clock = Clock.systemUTC();
    private final LastHeard known;
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private volatile boolean isListening;
    private volatile boolean ending;
    private volatile boolean isRead;
    private Instant complainedAt = Instant.EPOCH;
    private boolean failedToWrite;
    private Thread reader;
    private Thread writer;

    Heartbeats(
            @Identifier("default-kafka-broker") Map<String, Object> broker,
            HeartbeatTable table,
            CoordinatorLoop loop,
            ObservationConsumer observations,
            CoordinatorConfig config) {
        this.broker = broker;
        this.table = table;
        this.loop = loop;
        this.observations = observations;
        this.silentAfter = config.silentAfter();
        if (silentAfter.compareTo(SHORTEST_SILENCE) < 0) {
            throw new IllegalArgumentException("Expected kmodfleet.coordinator.silent-after of "
                    + SHORTEST_SILENCE.toSeconds() + "s or more, but got " + silentAfter);
        }
        this.known = new LastHeard(silentAfter, MOST_HOSTS);
    }

    /**
     * What a host last said.
     *
     * @param at when it was last heard of, by a heartbeat or an observation
     * @param devicesAt when it named its devices
     */
    public record LastWord(
            Instant at,
            boolean isSilent,
            String agentVersion,
            OptionalLong uptimeSeconds,
            long unsent,
            List<Device> devices,
            Optional<Instant> devicesAt) {}

    void onStart(@Observes StartupEvent event) {
        loop.tell(this::note);
        reader = started(this::read, "kmodfleet-heartbeats");
        writer = started(this::flush, "kmodfleet-heartbeats-written");
    }

    void onEnd(@Observes ShutdownEvent event) {
        ending = true;
        writer.interrupt();
    }

    private static Thread started(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** When a host was last heard of that is silent; absent where it is not, or never sent a heartbeat. */
    public Optional<Instant> silentSince(HostId host) {
        return known.silentSince(host);
    }

    /** Whoever fell silent or speaks again since this was last asked; for one who asks. */
    public List<HostId> takeChanged() {
        return known.takeChanged();
    }

    /** Asks the database. Absent for a host that never sent a heartbeat. */
    public Optional<LastWord> lastWordOf(HostId host) {
        return known.of(host).map(entry -> {
            Optional<Told> told = entry.devices().or(() -> devicesOf(host));
            return new LastWord(
                    entry.at(),
                    known.silentSince(host).isPresent(),
                    entry.agentVersion(),
                    entry.uptimeSeconds(),
                    entry.unsent(),
                    told.map(Told::devices).orElse(List.of()),
                    told.map(Told::at));
        });
    }

    /** How long nothing must be heard of a host before it is silent. */
    public Duration silentAfter() {
        return silentAfter;
    }

    /** Heartbeats that were read. */
    public long taken() {
        return taken.get();
    }

    /** Records of the topic that are none, or of more hosts than there is room for. */
    public long refused() {
        return refused.get();
    }

    /** Whether it would be noticed that a host falls silent. */
    public boolean isListening() {
        return isListening;
    }

    private Optional<Told> devicesOf(HostId host) {
        try {
            return table.devicesOf(host);
        } catch (RuntimeException e) {
            LOG.warnf("devices not read host=%s error=%s", host, e);
            return Optional.empty();
        }
    }

    /** Called by whoever commits: it waits for nothing. */
    private void note(LedgerEntry entry) {
        String source = entry.envelope().source();
        if (source.length() == 32) {
            known.spoke(new HostId(source), entry.takenAt(), clock.instant());
        }
    }

    private void read() {
        Optional<Instant> last = Optional.empty();
        while (!ending && !isRead) {
            try {
                last = table.readInto(known);
                isRead = true;
                LOG.infof("heartbeats read hosts=%d", known.size());
            } catch (RuntimeException e) {
                LOG.warnf("heartbeats not read from the database, trying again error=%s", e);
                pause();
            }
        }
        while (!ending) {
            Instant begin = clock.instant();
            Listening listening = new Listening(silentAfter, LONGEST_GAP, begin);
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(settings(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                listen(consumer, listening, from(last, begin));
            } catch (RuntimeException e) {
                isListening = false;
                if (!ending) {
                    LOG.warnf("heartbeats not read, trying again error=%s", e);
                    pause();
                }
            }
            // What was heard since is known; the topic is read again from where its silence began.
            last = Optional.of(begin);
        }
    }

    /** As far back as something may stand there that is not written down, and far enough to know that the topic was open. */
    private Optional<Instant> from(Optional<Instant> last, Instant begin) {
        Instant evidence = begin.minus(silentAfter).minus(OVERLAP);
        return last.map(at -> at.minus(OVERLAP)).map(at -> at.isBefore(evidence) ? at : evidence);
    }

    private void listen(KafkaConsumer<byte[], byte[]> consumer, Listening listening, Optional<Instant> from) {
        List<TopicPartition> partitions = consumer.partitionsFor(Topics.HEARTBEATS).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                .toList();
        consumer.assign(partitions);
        seek(consumer, partitions, from);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, ANSWER);
        Duration reviewEvery = reviewEvery();
        Instant asked = clock.instant();
        Instant reviewed = Instant.EPOCH;
        while (!ending) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                take(record, listening);
            }
            Instant now = clock.instant();
            if (!listening.isCaughtUp() && isRead(consumer, ends)) {
                listening.caughtUp(now);
            }
            if (Duration.between(asked, now).compareTo(ASK_EVERY) >= 0) {
                ask(consumer, partitions, listening);
                asked = clock.instant();
            }
            now = clock.instant();
            isListening = listening.isLongEnough(now);
            if (isListening && Duration.between(reviewed, now).compareTo(reviewEvery) >= 0) {
                known.review(now);
                reviewed = now;
            }
        }
    }

    /** A sixtieth of the patience: every five seconds by default. */
    private Duration reviewEvery() {
        Duration part = silentAfter.dividedBy(60);
        return part.compareTo(POLL) < 0 ? POLL : part;
    }

    private static boolean isRead(KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey(), ANSWER) >= end.getValue());
    }

    /** Of a consumer that gets nothing it is not to be seen whether nobody speaks or no broker answers. */
    private void ask(KafkaConsumer<?, ?> consumer, List<TopicPartition> partitions, Listening listening) {
        try {
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, ANSWER);
            long behind = ends.entrySet().stream()
                    .mapToLong(end -> end.getValue() - consumer.position(end.getKey(), ANSWER))
                    .sum();
            // As many as come in the meantime.
            if (behind < BATCH * 10L) {
                listening.answered(clock.instant());
            }
        } catch (KafkaException e) {
            listening.lost();
        }
    }

    private static void seek(KafkaConsumer<?, ?> consumer, List<TopicPartition> partitions, Optional<Instant> from) {
        if (from.isEmpty()) {
            consumer.seekToBeginning(partitions);
            return;
        }
        Map<TopicPartition, Long> since = new HashMap<>();
        partitions.forEach(partition -> since.put(partition, from.get().toEpochMilli()));
        consumer.seekToEnd(partitions);
        Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(since);
        found.forEach((partition, offset) -> {
            if (offset != null) {
                consumer.seek(partition, offset.offset());
            }
        });
    }

    private void take(ConsumerRecord<byte[], byte[]> record, Listening listening) {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), header.value());
        }
        try {
            Heartbeat heartbeat = CloudEvents.readHeartbeat(record.key(), record.value(), headers);
            Instant now = clock.instant();
            Instant at = heardAt(record, listening, now);
            listening.heard(at);
            if (known.beat(heartbeat, at, now)) {
                taken.incrementAndGet();
            } else {
                refuse(record, "there is no room for more than " + MOST_HOSTS + " hosts");
            }
        } catch (UnreadableEvent e) {
            refuse(record, e.getMessage());
        }
    }

    /** What was read back has the broker's time, where the topic keeps that one; what comes now has come now. */
    private static Instant heardAt(ConsumerRecord<?, ?> record, Listening listening, Instant now) {
        if (listening.isCaughtUp() || record.timestampType() != TimestampType.LOG_APPEND_TIME) {
            return now;
        }
        Instant at = Instant.ofEpochMilli(record.timestamp());
        return at.isAfter(now) ? now : at;
    }

    private void refuse(ConsumerRecord<?, ?> record, String why) {
        refused.incrementAndGet();
        Instant now = clock.instant();
        if (Duration.between(complainedAt, now).compareTo(COMPLAIN_EVERY) >= 0) {
            complainedAt = now;
            LOG.warnf(
                    "record is no heartbeat topic=%s partition=%d offset=%d refused=%d reason=%s",
                    record.topic(), record.partition(), record.offset(), refused.get(), why);
        }
    }

    private void flush() {
        while (!ending) {
            try {
                Thread.sleep(FLUSH_EVERY.toMillis());
            } catch (InterruptedException e) {
                // The last time.
            }
            if (!observations.isActive()) {
                known.forgetDevices();
            } else if (isRead) {
                write();
            }
        }
    }

    private void write() {
        List<Entry> entries = known.takeNew(BATCH);
        while (!entries.isEmpty()) {
            try {
                table.write(entries);
                known.written(entries);
                failedToWrite = false;
            } catch (RuntimeException e) {
                known.notWritten(entries);
                if (!failedToWrite && !ending) {
                    LOG.warnf("heartbeats not written, trying again error=%s", e);
                    failedToWrite = true;
                }
                return;
            }
            entries = entries.size() < BATCH ? List.of() : known.takeNew(BATCH);
        }
    }

    private Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>(broker);
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
        return settings;
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
