package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** Bytes that are kept, and whether they still are what they were. */
@Entity
@Table(name = "blob")
class BlobRow extends PanacheEntityBase {

    @Id
    String digest;

    long size;

    /** When they were last read and found right, or came. */
    @Column(name = "checked_at")
    Instant checkedAt;

    @Column(name = "damaged_at")
    Instant damagedAt;

    String damage;
}
