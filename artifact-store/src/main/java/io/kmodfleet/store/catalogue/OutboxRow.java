package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** An observation that the broker has not acknowledged yet. */
@Entity
@Table(name = "outbox")
class OutboxRow extends PanacheEntityBase {

    @Id
    long sequence;

    Instant at;
    String observation;

    /** Which it belongs to, as a traceparent; null where it belongs to none. */
    String trace;
}
