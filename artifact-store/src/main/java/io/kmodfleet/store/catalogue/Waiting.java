package io.kmodfleet.store.catalogue;

import io.quarkus.vertx.VertxContextSupport;
import io.smallrye.mutiny.Uni;
import java.util.function.Supplier;

/** For threads that may wait for the catalogue. */
public final class Waiting {

    private Waiting() {}

    /** What comes of it; fails as it fails. */
    public static <T> T await(Supplier<Uni<T>> work) {
        try {
            return VertxContextSupport.subscribeAndAwait(work);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("Expected the catalogue to answer, but " + e.getMessage(), e);
        }
    }
}
