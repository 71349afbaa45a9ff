package io.kmodfleet.store.upkeep;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.blob.BlobStore.Blob;
import io.kmodfleet.store.blob.Staging;
import io.kmodfleet.store.blob.Staging.Upload;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Inventory;
import io.kmodfleet.store.catalogue.Inventory.Due;
import io.quarkus.vertx.VertxContextSupport;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * Reads every blob again within a window, slowly, and compares. What a disk did to one is found before a host asks for it: then it
 * is not served, and the same bytes, uploaded again, heal it.
 */
@ApplicationScoped
class Scrub {

    private static final Logger LOG = Logger.getLogger(Scrub.class);
    private static final int AT_ONCE = 20;
    private static final int BUFFER = 128 * 1024;

    private final Storage storage;
    private final Staging staging;
    private final Inventory inventory;
    private final StoreConfig.Scrub config;
    private final Clock clock = Clock.systemUTC();

    Scrub(Storage storage, Staging staging, Inventory inventory, StoreConfig config) {
        this.storage = storage;
        this.staging = staging;
        this.inventory = inventory;
        this.config = config.scrub();
    }

    /** Reads some of those that are due. Whether there may be more. */
    boolean some(BooleanSupplier mayGoOn) throws Throwable {
        List<Due> due = VertxContextSupport.subscribeAndAwait(
                () -> inventory.due(clock.instant().minus(config.window()), AT_ONCE));
        for (Due blob : due) {
            if (!mayGoOn.getAsBoolean()) {
                return false;
            }
            check(blob);
        }
        return !due.isEmpty();
    }

    private void check(Due due) throws Throwable {
        Optional<Blob> blob = storage.kept().find(due.digest());
        Optional<String> damage = blob.isEmpty()
                ? Optional.of("Expected the bytes of " + due.digest() + ", but they are gone")
                : damageOf(due, blob.get());
        if (damage.isEmpty()) {
            VertxContextSupport.subscribeAndAwait(() -> inventory.right(due));
            return;
        }
        boolean stands = VertxContextSupport.subscribeAndAwait(() -> inventory.damaged(due, damage.get()));
        if (stands && !due.damaged()) {
            LOG.errorf("damaged package=%s error=%s", due.digest(), damage.get());
            if (blob.isPresent()) {
                setAside(due.digest(), blob.get());
            }
        }
    }

    private Optional<String> damageOf(Due due, Blob blob) throws IOException {
        MessageDigest hash = Digest.sha256();
        byte[] buffer = new byte[BUFFER];
        long begin = System.nanoTime();
        long read = 0;
        try (InputStream in = blob.read()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                hash.update(buffer, 0, count);
                read += count;
                pace(begin, read);
            }
        }
        Digest found = Digest.of(hash);
        return found.equals(due.digest())
                ? Optional.empty()
                : Optional.of("Expected the " + due.size() + " bytes of " + due.digest() + ", but the storage gives "
                        + read + " bytes of " + found);
    }

    /** Uploads and downloads come first. */
    private void pace(long begin, long read) throws IOException {
        long early = read * 1_000 / config.bytesPerSecond() - (System.nanoTime() - begin) / 1_000_000;
        if (early > 0) {
            try {
                Thread.sleep(early);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("Interrupted", e);
            }
        }
    }

    /** What was found instead, for whoever wants to know what the disk did. */
    private void setAside(Digest digest, Blob blob) throws IOException {
        Upload copy;
        try (InputStream in = blob.read()) {
            copy = staging.receive(in, Long.MAX_VALUE);
        }
        try {
            storage.damaged().keep(digest, copy.file());
        } finally {
            staging.discard(copy);
        }
    }
}
