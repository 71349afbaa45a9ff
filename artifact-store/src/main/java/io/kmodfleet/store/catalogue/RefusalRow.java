package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** An upload that was not taken, and why. */
@Entity
@Table(name = "refusal")
class RefusalRow extends PanacheEntityBase {

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    Long id;

    /** What the upload was called. */
    String digest;

    /** What its bytes were. */
    String found;

    String kind;
    String rule;
    String evidence;
    long size;
    Instant at;

    /** Whether its bytes are there for inspection. */
    boolean kept;
}
