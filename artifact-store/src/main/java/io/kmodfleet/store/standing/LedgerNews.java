package io.kmodfleet.store.standing;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.store.catalogue.StoreLock;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/** Listens to the ledger from now on, and asks for the packages that it names. */
@ApplicationScoped
class LedgerNews {

    private static final Logger LOG = Logger.getLogger(LedgerNews.class);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration PAUSE = Duration.ofSeconds(5);
    private static final int MOST_AT_ONCE = 500;

    private final Standings standings;
    private final Coordinator coordinator;
    private final StoreLock lock;
    private final Map<String, Object> broker;
    private volatile boolean ending;
    private Thread thread;

    LedgerNews(
            Standings standings,
            Coordinator coordinator,
            StoreLock lock,
            @Identifier("default-kafka-broker") Map<String, Object> broker) {
        this.standings = standings;
        this.coordinator = coordinator;
        this.lock = lock;
        this.broker = broker;
    }

    void onStart(@Observes StartupEvent event) {
        if (coordinator.isKnown()) {
            thread = new Thread(this::run, "ledger-news");
            thread.setDaemon(true);
            thread.start();
        }
    }

    void onStop(@Observes ShutdownEvent event) throws InterruptedException {
        ending = true;
        if (thread != null) {
            thread.interrupt();
            thread.join(PAUSE.toMillis());
        }
    }

    private void run() {
        while (!ending) {
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(settings(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer.assign(List.of(new TopicPartition(Topics.LEDGER, 0)));
                listen(consumer);
            } catch (Throwable e) {
                if (!ending) {
                    LOG.warnf("no news of the ledger, trying again error=%s", e);
                    pause();
                }
            }
        }
    }

    private void listen(KafkaConsumer<byte[], byte[]> consumer) throws Throwable {
        while (!ending) {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
            Set<Digest> named = new LinkedHashSet<>();
            for (ConsumerRecord<byte[], byte[]> record : records) {
                packagesIn(record.value(), named);
            }
            List<Digest> rest = new ArrayList<>(named);
            while (!rest.isEmpty() && lock.isHeld()) {
                List<Digest> some = rest.subList(0, Math.min(MOST_AT_ONCE, rest.size()));
                standings.askFor(List.copyOf(some));
                some.clear();
            }
        }
    }

    /** Whatever an entry says of a package, it may have changed it. */
    static void packagesIn(byte[] line, Set<Digest> named) {
        try {
            JsonNode observation =
                    FleetJson.mapper().readTree(line).path("envelope").path("observation");
            for (JsonNode digest : observation.findValues("packageDigest")) {
                named.add(Digest.parse(digest.asText()));
            }
        } catch (IOException | IllegalArgumentException e) {
            LOG.warnf("not an entry of the ledger error=%s", e);
        }
    }

    private Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>(broker);
        settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "kmodfleet-store");
        settings.remove(ConsumerConfig.GROUP_ID_CONFIG);
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "latest");
        settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        settings.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, 8 * 1024 * 1024);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
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
