package io.kmodfleet.store.metrics;

import io.kmodfleet.store.StoreConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import io.vertx.mutiny.sqlclient.Pool;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.File;
import java.util.function.LongConsumer;

/** Figures of the store. */
@ApplicationScoped
public class StoreMetrics {

    private static final long EVERY_MILLIS = 15_000;

    private final MeterRegistry registry;
    private final StoreConfig config;
    private final Pool pool;
    private final Vertx vertx;
    private volatile long damaged;
    private volatile long divergences;

    StoreMetrics(MeterRegistry registry, StoreConfig config, Pool pool, Vertx vertx) {
        this.registry = registry;
        this.config = config;
        this.pool = pool;
        this.vertx = vertx;
    }

    void onStart(@Observes StartupEvent event) {
        File directory = config.directory().toFile();
        Gauge.builder("kmodfleet.store.disk.free", directory::getUsableSpace)
                .description("Room on the disk of the store's directory")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("kmodfleet.store.disk.size", directory::getTotalSpace)
                .description("Size of the disk of the store's directory")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("kmodfleet.store.damaged", () -> damaged)
                .description("Files that are damaged or gone, and served to nobody")
                .register(registry);
        Gauge.builder("kmodfleet.store.divergences", () -> divergences)
                .description("Pairs of packages of one target whose bodies differ")
                .register(registry);
        // Whoever watches them must not have to wait for the first.
        for (String kind : new String[] {"package", "source", "log"}) {
            taken(kind, 0);
        }
        refused("none", 0);
        vertx.setPeriodic(1_000, EVERY_MILLIS, any -> {
            ask("select count(*) from blob where damaged_at is not null", found -> damaged = found);
            ask("select count(*) from divergence", found -> divergences = found);
        });
    }

    /** A file that was new was taken. */
    public void taken(String kind, int files) {
        Counter.builder("kmodfleet.store.uploads")
                .description("Files that were taken, by kind")
                .tag("kind", kind)
                .register(registry)
                .increment(files);
    }

    /** Uploads were refused, by the rule that they broke. */
    public void refused(String rule, int uploads) {
        Counter.builder("kmodfleet.store.refusals")
                .description("Uploads that were refused, by rule")
                .tag("rule", rule)
                .register(registry)
                .increment(uploads);
    }

    private void ask(String sql, LongConsumer answer) {
        pool.query(sql)
                .execute()
                .subscribe()
                .with(rows -> answer.accept(rows.iterator().next().getLong(0)), failure -> {});
    }
}
