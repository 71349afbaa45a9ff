package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;
import java.time.Instant;

/** One thing that is kept of one kernel image. */
@Entity
@Table(name = "kernel_input")
@IdClass(KernelInputRow.Key.class)
class KernelInputRow extends PanacheEntityBase {

    @Id
    String image;

    @Id
    String kind;

    String release;
    String arch;
    String compiler;
    String host;

    /** Digest of what it is; {@link #blob} is its compressed bytes, which several kernels may share. */
    String content;

    @Column(name = "content_size")
    long contentSize;

    String blob;

    @Column(name = "stored_at")
    Instant storedAt;

    record Key(String image, String kind) implements Serializable {}
}
