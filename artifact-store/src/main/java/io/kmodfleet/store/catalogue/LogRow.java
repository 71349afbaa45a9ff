package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** The log of a build. */
@Entity
@Table(name = "build_log")
class LogRow extends PanacheEntityBase {

    @Id
    String digest;

    long size;

    @Column(name = "stored_at")
    Instant storedAt;
}
