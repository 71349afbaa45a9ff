package io.kmodfleet.store.intake;

import static io.kmodfleet.store.catalogue.Waiting.await;

import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.catalogue.Inventory;
import io.kmodfleet.store.problem.Problem;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;

/** What all files together may take. Counted anew every few seconds: several stores may fill the same room. */
@ApplicationScoped
public class Quota {

    private static final Duration FRESH = Duration.ofSeconds(5);

    private final Inventory inventory;
    private final long most;
    private long bytes;
    private long countedAt;
    private boolean counted;

    Quota(Inventory inventory, StoreConfig config) {
        this.inventory = inventory;
        this.most = config.limits().bytes();
    }

    /** Takes room for a new file. */
    public synchronized void take(long size) {
        if (most == 0) {
            return;
        }
        if (!counted || System.nanoTime() - countedAt > FRESH.toNanos()) {
            bytes = await(inventory::bytes);
            countedAt = System.nanoTime();
            counted = true;
        }
        if (bytes + size > most) {
            throw new Problem(
                    507,
                    "Store full",
                    "Expected room for " + size + " bytes, but " + bytes + " of " + most
                            + " are taken. 'kmodfleet store plan' shows what could go; nothing was kept");
        }
        bytes += size;
    }
}
