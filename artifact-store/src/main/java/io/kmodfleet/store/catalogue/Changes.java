package io.kmodfleet.store.catalogue;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.atomic.AtomicLong;

/** Counts what this store changed of what it offers, so that nothing that somebody remembers from before is told after. */
@ApplicationScoped
public class Changes {

    private final AtomicLong count = new AtomicLong();

    /** The same as before where nothing has changed since. */
    public long count() {
        return count.get();
    }

    void happened() {
        count.incrementAndGet();
    }
}
