package io.kmodfleet.store.upkeep;

import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.catalogue.StoreLock;
import io.kmodfleet.store.intake.Comparison;
import io.kmodfleet.store.standing.Standings;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** Does the chores again and again, while this store is the one that does them. */
@ApplicationScoped
class Upkeep {

    private static final Logger LOG = Logger.getLogger(Upkeep.class);

    private final StoreLock lock;
    private final Scrub scrub;
    private final RefusedSweep sweep;
    private final Standings standings;
    private final Comparison comparison;
    private final StraySweep strays;
    private final Duration every;
    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(5, work -> {
        Thread thread = new Thread(work, "upkeep");
        thread.setDaemon(true);
        return thread;
    });
    private volatile boolean ending;

    Upkeep(
            StoreLock lock,
            Scrub scrub,
            RefusedSweep sweep,
            Standings standings,
            Comparison comparison,
            StraySweep strays,
            StoreConfig config) {
        this.lock = lock;
        this.scrub = scrub;
        this.sweep = sweep;
        this.standings = standings;
        this.comparison = comparison;
        this.strays = strays;
        this.every = config.upkeepEvery();
    }

    private interface Chore {
        void run() throws Throwable;
    }

    void onStart(@Observes StartupEvent event) {
        again("scrub", this::scrubAll);
        again("sweep", sweep::run);
        again("strays", () -> strays.run(this::mayGoOn));
        again("comparison", () -> comparison.makeUpFor(this::mayGoOn));
        again("standings", () -> standings.askForAll(this::mayGoOn));
    }

    void onStop(@Observes ShutdownEvent event) {
        ending = true;
        threads.shutdownNow();
    }

    private void scrubAll() throws Throwable {
        while (mayGoOn() && scrub.some(this::mayGoOn)) {
            continue;
        }
    }

    private boolean mayGoOn() {
        return !ending && lock.isHeld();
    }

    private void again(String name, Chore chore) {
        threads.scheduleWithFixedDelay(
                () -> {
                    try {
                        if (mayGoOn()) {
                            chore.run();
                        }
                    } catch (Throwable e) {
                        if (!ending) {
                            LOG.warnf("upkeep fails, trying again later chore=%s error=%s", name, e);
                        }
                    }
                },
                every.toMillis(),
                every.toMillis(),
                TimeUnit.MILLISECONDS);
    }
}
