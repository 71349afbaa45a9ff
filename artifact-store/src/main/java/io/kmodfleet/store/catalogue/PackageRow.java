package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A module package. */
@Entity
@Table(name = "package")
class PackageRow extends PanacheEntityBase {

    @Id
    String digest;

    String module;

    @Column(name = "module_version")
    String moduleVersion;

    String release;
    String builder;

    @Column(name = "file_name")
    String fileName;

    long size;

    @Column(name = "stored_at")
    Instant storedAt;

    String manifest;

    /** Digest of the log of its build. */
    String log;

    /** As {@link State} has it. */
    String state;

    @Column(name = "state_why")
    String stateWhy;

    /** How many gave these very modules when they were asked to build. */
    int builders;

    /** What is strange about it, one a line; null where nothing is known to be. */
    String warnings;

    /** Whether it was held against the others of its target. */
    boolean compared;

    @Column(name = "state_at")
    Instant stateAt;
}
