package io.kmodfleet.coordinator.metrics;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.dashboard.LiveBoard;
import io.kmodfleet.coordinator.heartbeat.Heartbeats;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.kmodfleet.coordinator.intake.ObservationConsumer;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import io.vertx.mutiny.sqlclient.Pool;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** Figures of the fleet and of this coordinator. None has a host in its name: there may be a million. */
@ApplicationScoped
class FleetMetrics {

    private static final long LETTERS_EVERY_MILLIS = 15_000;

    private static final List<String> ANSWERS = List.of("keep", "reuse", "build", "wait", "reject");

    private final MeterRegistry registry;
    private final CoordinatorLoop loop;
    private final ObservationConsumer consumer;
    private final LiveBoard board;
    private final Heartbeats heartbeats;
    private final Pool pool;
    private final Vertx vertx;
    private final Clock clock = Clock.systemUTC();
    private final Map<Class<?>, Counter> entries = new ConcurrentHashMap<>();
    private final Map<Told, Counter> decisions = new ConcurrentHashMap<>();
    private Timer commit;
    private Timer built;
    private Counter failed;
    private volatile long letters;

    FleetMetrics(
            MeterRegistry registry,
            CoordinatorLoop loop,
            ObservationConsumer consumer,
            LiveBoard board,
            Heartbeats heartbeats,
            Pool pool,
            Vertx vertx) {
        this.registry = registry;
        this.loop = loop;
        this.consumer = consumer;
        this.board = board;
        this.heartbeats = heartbeats;
        this.pool = pool;
        this.vertx = vertx;
    }

    private record Told(Class<?> answer, Reason reason) {}

    void onStart(@Observes StartupEvent event) {
        gauge("kmodfleet.ledger.position", "Position of the last entry that this coordinator knows", () -> loop.state()
                .position());
        gauge(
                "kmodfleet.active",
                "1 where this coordinator takes observations, 0 where it stands by",
                () -> consumer.isActive() ? 1 : 0);
        gauge("kmodfleet.builds.running", "Builds under way in the fleet", () -> loop.state()
                .buildsUnderWay());
        gauge("kmodfleet.dead.letters", "Records that nobody could read, as many as are kept", () -> letters);
        gauge("kmodfleet.viewers", "Pages that are open and seen", board::viewers);
        gauge(
                "kmodfleet.heartbeats.listening",
                "1 where this coordinator would notice that a host falls silent",
                () -> heartbeats.isListening() ? 1 : 0);
        FunctionCounter.builder("kmodfleet.heartbeats", heartbeats, Heartbeats::taken)
                .description("Heartbeats that this coordinator has read since its start")
                .register(registry);
        FunctionCounter.builder("kmodfleet.heartbeats.refused", heartbeats, Heartbeats::refused)
                .description("Records among the heartbeats that are none, since its start")
                .register(registry);
        for (Safety safety : Safety.values()) {
            Gauge.builder("kmodfleet.hosts", board, known -> known.counts()[safety.ordinal()])
                    .description("Hosts by state")
                    .tag("state", safety.code())
                    .register(registry);
        }
        commit = Timer.builder("kmodfleet.commit")
                .description("From taking an observation to its commit")
                .serviceLevelObjectives(
                        Duration.ofMillis(5), Duration.ofMillis(20), Duration.ofMillis(100), Duration.ofSeconds(1))
                .register(registry);
        built = Timer.builder("kmodfleet.builds")
                .description("Builds that ended well, and how long they took on their hosts")
                .register(registry);
        failed = Counter.builder("kmodfleet.builds.failed")
                .description("Builds that ended without a package")
                .register(registry);
        // Whoever watches them must not have to wait for the first.
        ANSWERS.forEach(answer -> counter(answer, "none"));
        loop.tell(this::count);
        vertx.setPeriodic(1_000, LETTERS_EVERY_MILLIS, any -> pool.query("select count(*) from dead_letter")
                .execute()
                .subscribe()
                .with(rows -> letters = rows.iterator().next().getLong(0), failure -> {}));
    }

    private void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(registry);
    }

    private Counter counter(String answer, String reason) {
        return Counter.builder("kmodfleet.decisions")
                .description("Decisions by answer and reason")
                .tag("decision", answer)
                .tag("reason", reason)
                .register(registry);
    }

    /** By the one that committed it: so the sum over all coordinators is right, and who stands by says nothing of commits. */
    private void count(LedgerEntry entry) {
        if (!consumer.isActive()) {
            return;
        }
        Observation observation = entry.envelope().observation();
        entries.computeIfAbsent(observation.getClass(), type -> Counter.builder("kmodfleet.entries")
                        .description("Entries of the ledger by what was observed")
                        .tag("observation", type.getSimpleName())
                        .register(registry))
                .increment();
        for (Decision decision : entry.decisions()) {
            decisions
                    .computeIfAbsent(
                            new Told(decision.getClass(), decision.reason()),
                            told -> counter(
                                    told.answer().getSimpleName().toLowerCase(Locale.ROOT),
                                    told.reason().name().toLowerCase(Locale.ROOT)))
                    .increment();
        }
        Duration took = Duration.between(entry.takenAt(), clock.instant());
        if (!took.isNegative()) {
            commit.record(took);
        }
        if (observation instanceof Observation.BuildSucceeded success) {
            built.record(Duration.ofMillis(success.millis()));
        } else if (observation instanceof Observation.BuildFailed) {
            failed.increment();
        }
    }
}
