package io.kmodfleet.store.upkeep;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Refusals;
import io.quarkus.vertx.VertxContextSupport;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;

/** Refused files go after a while; that they were refused, and why, stays. */
@ApplicationScoped
class RefusedSweep {

    private final Storage storage;
    private final Refusals refusals;
    private final StoreConfig config;
    private final Clock clock = Clock.systemUTC();

    RefusedSweep(Storage storage, Refusals refusals, StoreConfig config) {
        this.storage = storage;
        this.refusals = refusals;
        this.config = config;
    }

    void run() throws Throwable {
        for (Digest digest : VertxContextSupport.subscribeAndAwait(
                () -> refusals.overdue(clock.instant().minus(config.refusedFor()), config.quarantineBytes()))) {
            storage.refused().remove(digest);
            VertxContextSupport.subscribeAndAwait(() -> refusals.forgotten(digest));
        }
    }
}
