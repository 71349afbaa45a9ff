package io.kmodfleet.store.upkeep;

import static io.kmodfleet.store.catalogue.Waiting.await;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.blob.BlobStore;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Inventory;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * Files that no row of the catalogue knows only take room: of uploads whose store was killed before it had added them, of removals
 * that the storage did not take. Where more is unknown than known, the catalogue is taken for the wrong one, and nothing is removed.
 */
@ApplicationScoped
class StraySweep {

    private static final Logger LOG = Logger.getLogger(StraySweep.class);
    private static final int AT_ONCE = 500;
    private static final int MOST = 10_000;

    private final Storage storage;
    private final Inventory inventory;
    private final Duration after;
    private final Clock clock = Clock.systemUTC();
    private Instant last = Instant.MIN;

    StraySweep(Storage storage, Inventory inventory, StoreConfig config) {
        this.storage = storage;
        this.inventory = inventory;
        this.after = config.straysAfter();
    }

    void run(BooleanSupplier mayGoOn) throws IOException {
        Instant now = clock.instant();
        if (last.isAfter(now.minus(after))) {
            return;
        }
        List<Digest> strays = new ArrayList<>();
        long known = 0;
        for (int part = 0; part < BlobStore.PARTS && strays.size() < MOST; part++) {
            List<Digest> old = storage.kept().list(part, now.minus(after));
            for (int from = 0; from < old.size(); from += AT_ONCE) {
                if (!mayGoOn.getAsBoolean()) {
                    return;
                }
                List<Digest> some = old.subList(from, Math.min(old.size(), from + AT_ONCE));
                Set<Digest> there = await(() -> inventory.known(some));
                known += there.size();
                some.stream().filter(digest -> !there.contains(digest)).forEach(strays::add);
            }
        }
        if (strays.size() > known) {
            LOG.errorf("more files than the catalogue knows, none removed files=%d known=%d", strays.size(), known);
        } else {
            remove(strays, now);
        }
        last = now;
    }

    private void remove(List<Digest> strays, Instant now) throws IOException {
        for (Digest digest : strays) {
            // It may have come again since.
            int part = Integer.parseInt(digest.hex().substring(0, 2), 16);
            boolean stays = !await(() -> inventory.known(List.of(digest))).isEmpty()
                    || !storage.kept().list(part, now.minus(after)).contains(digest);
            if (!stays) {
                storage.kept().remove(digest);
                LOG.infof("removed what nothing refers to package=%s", digest);
            }
        }
    }
}
