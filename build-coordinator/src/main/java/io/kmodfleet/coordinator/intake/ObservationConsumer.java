package io.kmodfleet.coordinator.intake;

import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Reads the observations topic; the offset is committed when the batch is in the ledger and its commands are out. */
@ApplicationScoped
class ObservationConsumer {

    private final CoordinatorLoop loop;
    private final Clock clock = Clock.systemUTC();

    ObservationConsumer(CoordinatorLoop loop) {
        this.loop = loop;
    }

    @Incoming("observations")
    Uni<Void> take(ConsumerRecords<byte[], byte[]> records) {
        // As exact as PostgreSQL keeps it.
        Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
        List<Arrival> arrivals = new ArrayList<>(records.count());
        for (ConsumerRecord<byte[], byte[]> record : records) {
            arrivals.add(Arrival.of(record));
        }
        return loop.take(arrivals, now);
    }
}
