package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A package that stays. */
@Entity
@Table(name = "pin")
class PinRow extends PanacheEntityBase {

    @Id
    String digest;

    String reason;
    String author;
    Instant at;
}
