package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.wire.Topics;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jboss.logging.Logger;

/**
 * What builds of the last hours said, as far as it fits: the newest lines of the newest builds. Every coordinator reads the topic for
 * itself, as no member of any group; whatever it has not is in the store, or on the topic for {@code kmodfleet log}.
 */
@ApplicationScoped
class BuildLogs {

    private static final Logger LOG = Logger.getLogger(BuildLogs.class);
    private static final Duration BACK = Duration.ofHours(6);
    private static final int BUILDS = 40;
    private static final int LINES = 2_000;
    private static final int CHARACTERS = 250_000;
    private static final int LONGEST_LINE = 2_000;
    private static final Duration PAUSE = Duration.ofSeconds(5);

    private final Map<String, Object> broker;
    private final Map<String, Set<HttpServerResponse>> viewers = new ConcurrentHashMap<>();
    private final Map<String, Kept> kept = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Kept> eldest) {
            return size() > BUILDS;
        }
    };
    private volatile boolean ending;
    private Thread thread;

    BuildLogs(@Identifier("default-kafka-broker") Map<String, Object> broker) {
        this.broker = broker;
    }

    /** @param ended whether its last line was there */
    record Log(List<String> lines, boolean ended) {}

    private static final class Kept {
        private final Deque<String> lines = new ArrayDeque<>();
        private int characters;
        private boolean ended;
    }

    void onStart(@Observes StartupEvent event) {
        thread = new Thread(this::run, "kmodfleet-build-logs");
        thread.setDaemon(true);
        thread.start();
    }

    void onEnd(@Observes ShutdownEvent event) {
        ending = true;
    }

    void routes(@Observes Router router) {
        router.get("/builds/:build/live").handler(this::open);
    }

    Log of(String build) {
        synchronized (kept) {
            Kept known = kept.get(build);
            return known == null ? new Log(List.of(), false) : new Log(List.copyOf(known.lines), known.ended);
        }
    }

    /** Everything that is kept of it, then what comes. */
    private void open(RoutingContext context) {
        String build = context.pathParam("build");
        HttpServerResponse response = context.response();
        response.setChunked(true).putHeader("Content-Type", "text/event-stream").putHeader("Cache-Control", "no-store");
        Set<HttpServerResponse> all = viewers.computeIfAbsent(build, any -> ConcurrentHashMap.newKeySet());
        response.closeHandler(any -> {
            all.remove(response);
            viewers.computeIfPresent(build, (name, left) -> left.isEmpty() ? null : left);
        });
        response.exceptionHandler(any -> all.remove(response));
        synchronized (kept) {
            StringBuilder text = new StringBuilder("retry: 2000\nevent: again\ndata: \n\n");
            of(build).lines().forEach(line -> text.append(event(line)));
            response.write(text.toString());
            all.add(response);
        }
    }

    private void run() {
        while (!ending) {
            try (KafkaConsumer<String, String> consumer =
                    new KafkaConsumer<>(settings(), new StringDeserializer(), new StringDeserializer())) {
                List<TopicPartition> partitions = consumer.partitionsFor(Topics.BUILD_LOGS).stream()
                        .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                        .toList();
                consumer.assign(partitions);
                seek(consumer, partitions);
                while (!ending) {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                        take(record);
                    }
                }
            } catch (RuntimeException e) {
                if (!ending) {
                    LOG.warnf("build logs not read, trying again error=%s", e);
                    pause();
                }
            }
        }
    }

    private static void seek(KafkaConsumer<String, String> consumer, List<TopicPartition> partitions) {
        Map<TopicPartition, Long> since = new HashMap<>();
        long then = Instant.now().minus(BACK).toEpochMilli();
        partitions.forEach(partition -> since.put(partition, then));
        consumer.seekToEnd(partitions);
        Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(since);
        found.forEach((partition, offset) -> {
            if (offset != null) {
                consumer.seek(partition, offset.offset());
            }
        });
    }

    private void take(ConsumerRecord<String, String> record) {
        if (record.key() == null || record.value() == null) {
            return;
        }
        synchronized (kept) {
            Kept log = kept.computeIfAbsent(record.key(), any -> new Kept());
            for (String line : record.value().split("\n")) {
                String shown = Say.plain(line.length() > LONGEST_LINE ? line.substring(0, LONGEST_LINE) + "…" : line);
                log.lines.add(shown);
                log.ended |= line.startsWith(Topics.BUILD_LOG_END);
                log.characters += shown.length();
                while (log.lines.size() > LINES || log.characters > CHARACTERS) {
                    log.characters -= log.lines.removeFirst().length();
                }
                for (HttpServerResponse viewer : viewers.getOrDefault(record.key(), Set.of())) {
                    if (!viewer.ended() && !viewer.writeQueueFull()) {
                        viewer.write(event(shown));
                    }
                }
            }
        }
    }

    private static String event(String line) {
        return "event: line\ndata: " + line.replace('\r', ' ') + "\n\n";
    }

    private Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>(broker);
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "latest");
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
