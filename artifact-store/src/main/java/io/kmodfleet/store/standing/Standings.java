package io.kmodfleet.store.standing;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.catalogue.Packages;
import io.kmodfleet.store.catalogue.Packages.Known;
import io.kmodfleet.store.catalogue.Packages.Learned;
import io.kmodfleet.store.standing.Coordinator.Standing;
import io.quarkus.vertx.VertxContextSupport;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Keeps the catalogue's states what the coordinator says they are. The ledger says when to ask for which; all are asked for again
 * now and then, so that what was missed is noticed, and no place in the ledger need be remembered.
 */
@ApplicationScoped
public class Standings {

    private static final int AT_ONCE = 500;

    private final Packages packages;
    private final Coordinator coordinator;
    private final long every;
    private Optional<Digest> last = Optional.empty();
    private long begunAt;
    private boolean done;

    Standings(Packages packages, Coordinator coordinator, StoreConfig config) {
        this.packages = packages;
        this.coordinator = coordinator;
        this.every = config.standingsEvery().toNanos();
    }

    /** Asks for all of them, where it is time to. */
    public void askForAll(BooleanSupplier mayGoOn) throws Throwable {
        if (!coordinator.isKnown() || done && System.nanoTime() - begunAt < every) {
            return;
        }
        if (last.isEmpty()) {
            begunAt = System.nanoTime();
        }
        done = false;
        while (!done && mayGoOn.getAsBoolean()) {
            Optional<Digest> after = last;
            List<Known> known = VertxContextSupport.subscribeAndAwait(() -> packages.after(after, AT_ONCE));
            learn(known);
            done = known.size() < AT_ONCE;
            last = done
                    ? Optional.empty()
                    : Optional.of(known.get(known.size() - 1).digest());
        }
    }

    /** Asks for these. */
    public void askFor(List<Digest> digests) throws Throwable {
        if (coordinator.isKnown() && !digests.isEmpty()) {
            learn(VertxContextSupport.subscribeAndAwait(() -> packages.of(digests)));
        }
    }

    private void learn(List<Known> known) throws Throwable {
        if (known.isEmpty()) {
            return;
        }
        Map<Digest, Standing> standings = coordinator.standings(known);
        List<Learned> changes = new ArrayList<>();
        for (Known before : known) {
            Standing now = standings.get(before.digest());
            if (now.state() != before.state() || now.builders() != before.builders()) {
                changes.add(new Learned(now.digest(), now.state(), now.why(), now.builders()));
            }
        }
        if (!changes.isEmpty()) {
            VertxContextSupport.subscribeAndAwait(() -> packages.learn(changes));
        }
    }
}
