package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.audit.Moment;
import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.Ledger;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * The fleet as it was: the ledger folded up to a moment, in the background, one after the other. States on the way are kept, because
 * they share nearly everything: whoever moves a slider waits once.
 */
@ApplicationScoped
class Past {

    private static final Logger LOG = Logger.getLogger(Past.class);
    private static final int BOARDS_KEPT = 6;
    private static final int STATES_KEPT = 64;
    private static final int WAITING = 16;
    private static final int EVERY = 20_000;
    private static final Duration OPEN = Duration.ofSeconds(2);

    private final Ledger ledger;
    private final ExecutorService reader =
            new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(WAITING), work -> {
                Thread thread = new Thread(work, "kmodfleet-past");
                thread.setDaemon(true);
                return thread;
            });
    private final NavigableMap<Long, FleetState> states = new TreeMap<>();
    private final Map<String, Look> looks = new ConcurrentHashMap<>();

    Past(Ledger ledger) {
        this.ledger = ledger;
    }

    /** One look back; what is seen is absent while the ledger is being read. */
    static final class Look {
        private volatile long position;
        private volatile Optional<Seen> seen = Optional.empty();
        private volatile Optional<String> failure = Optional.empty();
        private volatile long askedAt = System.nanoTime();

        /** A moment that the ledger has not reached is another one soon. */
        private volatile long endsAt = Long.MAX_VALUE;

        private boolean isOver() {
            return seen.isPresent() && System.nanoTime() > endsAt;
        }

        /** How far it was read. */
        long position() {
            return position;
        }

        Optional<Seen> seen() {
            return seen;
        }

        Optional<String> failure() {
            return failure;
        }
    }

    /** @param text a ledger position or an instant, as {@link Moment#parse} reads it */
    Look at(String text, Moment moment) {
        Look look = looks.computeIfAbsent(text, any -> begin(text, moment));
        look.askedAt = System.nanoTime();
        if (look.failure.isPresent()) {
            looks.remove(text, look);
        } else if (look.isOver()) {
            // What was seen is shown until what came meanwhile is read.
            look.endsAt = begin(text, moment).failure.isPresent() ? System.nanoTime() + OPEN.toNanos() : Long.MAX_VALUE;
        }
        return look;
    }

    private Look begin(String text, Moment moment) {
        Look look = new Look();
        try {
            reader.execute(() -> read(text, moment, look));
        } catch (RejectedExecutionException e) {
            look.failure = Optional.of("Expected at most " + WAITING
                    + " moments of the past that others wait for, but there are more. Try again in a minute");
        }
        return look;
    }

    private void read(String text, Moment moment, Look look) {
        try {
            FleetState state = nearest(moment);
            look.position = state.position();
            FleetState[] folded = {state};
            // The first that is too late ends it, and nothing behind it is read.
            Optional<LedgerEntry> later = ledger.after(state.position())
                    .emitOn(Infrastructure.getDefaultWorkerPool())
                    .filter(entry -> {
                        boolean isLater = moment.isBefore(entry);
                        if (!isLater) {
                            folded[0] = Step.settle(
                                    folded[0], entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules());
                            look.position = entry.position();
                            if (entry.position() % EVERY == 0) {
                                keep(folded[0]);
                            }
                        }
                        return isLater;
                    })
                    .toUni()
                    .map(Optional::ofNullable)
                    .await()
                    .indefinitely();
            state = folded[0];
            keep(state);
            look.endsAt = later.isPresent() ? Long.MAX_VALUE : System.nanoTime() + OPEN.toNanos();
            look.seen = Optional.of(new Seen(state, Board.of(state), Optional.of(text)));
            looks.put(text, look);
            while (looks.size() > BOARDS_KEPT) {
                looks.entrySet().stream()
                        .min((one, other) -> Long.compare(one.getValue().askedAt, other.getValue().askedAt))
                        .ifPresent(oldest -> looks.remove(oldest.getKey()));
            }
        } catch (RuntimeException e) {
            LOG.warnf("past not read at=%s error=%s", text, e);
            look.failure = Optional.of("Expected to read the ledger, but " + e.getMessage());
            looks.put(text, look);
        }
    }

    private synchronized FleetState nearest(Moment moment) {
        FleetState nearest = FleetState.empty();
        for (FleetState known : states.values()) {
            boolean early = moment.position()
                            .map(last -> known.position() <= last)
                            .orElse(true)
                    && moment.instant().map(last -> !known.now().isAfter(last)).orElse(true);
            nearest = early ? known : nearest;
        }
        return nearest;
    }

    private synchronized void keep(FleetState state) {
        states.put(state.position(), state);
        while (states.size() > STATES_KEPT) {
            // Every second one, so that what is left is spread evenly.
            Iterator<Long> positions = states.keySet().iterator();
            for (boolean odd = false; positions.hasNext(); odd = !odd) {
                positions.next();
                if (odd) {
                    positions.remove();
                }
            }
        }
    }

    void onEnd(@Observes ShutdownEvent event) {
        reader.shutdownNow();
    }
}
