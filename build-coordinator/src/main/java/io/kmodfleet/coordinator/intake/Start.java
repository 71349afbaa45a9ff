package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.CoordinatorConfig;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;

/** Before the first record is read: the topics are there. Ready when the ledger is read, also to stand by. */
@Readiness
@ApplicationScoped
class Start implements HealthCheck {

    private static final Logger LOG = Logger.getLogger(Start.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final CoordinatorLoop loop;
    private final ObservationConsumer consumer;
    private final CoordinatorConfig config;
    private final String bootstrapServers;

    Start(
            CoordinatorLoop loop,
            ObservationConsumer consumer,
            CoordinatorConfig config,
            @ConfigProperty(name = "kafka.bootstrap.servers") String bootstrapServers) {
        this.loop = loop;
        this.consumer = consumer;
        this.config = config;
        this.bootstrapServers = bootstrapServers;
    }

    void onStart(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE) StartupEvent event) {
        createTopics();
        consumer.start();
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("ledger")
                .status(loop.isRecovered())
                .withData("role", consumer.isActive() ? "active" : "standby")
                .withData("position", loop.state().position())
                .build();
    }

    private void createTopics() {
        int partitions = config.topics().partitions();
        short replication = config.topics().replication();
        List<NewTopic> topics = List.of(
                topic(Topics.OBSERVATIONS, partitions, replication, Duration.ofDays(30)),
                topic(Topics.COMMANDS, partitions, replication, Duration.ofDays(7)),
                new NewTopic(Topics.HEARTBEATS, partitions, replication)
                        .configs(Map.of(
                                TopicConfig.RETENTION_MS_CONFIG,
                                Long.toString(Duration.ofDays(1).toMillis()),
                                // A day is a day only where no file holds a week.
                                TopicConfig.SEGMENT_MS_CONFIG,
                                Long.toString(Duration.ofHours(6).toMillis()),
                                // Nobody trusts the clock of a host.
                                TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
                                "LogAppendTime")),
                topic(Topics.BUILD_LOGS, partitions, replication, Duration.ofDays(7)),
                topic(Topics.DEAD_LETTERS, 1, replication, Duration.ofDays(30)),
                new NewTopic(Topics.LEDGER, 1, replication)
                        .configs(Map.of(
                                TopicConfig.RETENTION_MS_CONFIG,
                                "-1",
                                TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                                Integer.toString(Dispatcher.MAX_LINE))));
        Map<String, Object> settings = Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrapServers,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                (int) PATIENCE.toMillis(),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                5_000);
        try (Admin admin = Admin.create(settings)) {
            for (var created : admin.createTopics(topics).values().entrySet()) {
                try {
                    created.getValue().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                    LOG.infof("topic created topic=%s", created.getKey());
                } catch (ExecutionException e) {
                    if (!(e.getCause() instanceof TopicExistsException)) {
                        throw unreachable(e.getCause());
                    }
                }
            }
        } catch (TimeoutException e) {
            throw unreachable(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(e);
        }
    }

    private IllegalStateException unreachable(Throwable cause) {
        return new IllegalStateException(
                "Expected Kafka at " + bootstrapServers + " within " + PATIENCE.toSeconds() + " s, but " + cause
                        + ". Start the broker, or set KAFKA_BOOTSTRAP_SERVERS",
                cause);
    }

    private static NewTopic topic(String name, int partitions, short replication, Duration retention) {
        return new NewTopic(name, partitions, replication)
                .configs(Map.of(TopicConfig.RETENTION_MS_CONFIG, Long.toString(retention.toMillis())));
    }
}
