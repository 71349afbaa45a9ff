package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.coordinator.CoordinatorConfig;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.List;

/** What people say goes the way of all observations: over the topic, numbered, into the ledger. */
@ApplicationScoped
public class Operator {

    private final CoordinatorLoop loop;
    private final Dispatcher dispatcher;
    private final CoordinatorConfig config;
    private final Clock clock = Clock.systemUTC();
    private long epoch;
    private long sequence;

    /** Whether the ledger holds something of this counting. */
    private boolean counted;

    Operator(CoordinatorLoop loop, Dispatcher dispatcher, CoordinatorConfig config) {
        this.loop = loop;
        this.dispatcher = dispatcher;
        this.config = config;
    }

    /** @return the ledger position at which it stands */
    public Uni<Long> says(Observation observation) {
        Envelope envelope = numbered(observation);
        Uni<Long> taken = Uni.createFrom().completionStage(loop.whenTaken(envelope));
        return dispatcher
                .observe(List.of(CloudEvents.write(envelope)))
                .chain(() -> taken)
                .invoke(() -> isCounted(envelope))
                .ifNoItem()
                .after(config.publishTimeout())
                .fail()
                .onFailure(TimeoutException.class)
                .transform(
                        late -> new Problem(
                                504,
                                "Not yet in the ledger",
                                "Expected it in the ledger within "
                                        + config.publishTimeout().toSeconds()
                                        + " s, but it is not there yet. It may still take effect: look before you say it again"))
                .onTermination()
                .invoke(() -> loop.forget(envelope));
    }

    private synchronized void isCounted(Envelope envelope) {
        counted |= envelope.epoch() == epoch;
    }

    /** @param header {@code Kmodfleet-Author} of the request */
    public static String author(String header) {
        if (header == null || header.isBlank()) {
            throw new Problem(
                    400,
                    "Author missing",
                    "Expected the header Kmodfleet-Author, but there is none. Say who asks for this");
        }
        try {
            return Grammar.line("author", header);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not an author", e.getMessage());
        }
    }

    /** Counts on from the ledger, so that a restart never reuses a number. */
    private synchronized Envelope numbered(Observation observation) {
        long last = loop.state().lastOf(Envelope.OPERATOR).map(Taken::epoch).orElse(0L);
        counted |= last == epoch;
        // Another coordinator may have spoken since: numbers of a counting that is over are taken for repeats.
        if (epoch == 0 || last > epoch || counted && last != epoch) {
            epoch = Math.max(clock.millis(), Math.max(last, epoch) + 1);
            sequence = 0;
            counted = false;
        }
        sequence++;
        return new Envelope(Envelope.OPERATOR, epoch, sequence, clock.instant(), observation);
    }
}
