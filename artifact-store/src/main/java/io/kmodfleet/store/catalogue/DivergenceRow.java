package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;
import java.time.Instant;

/** Two packages of one build target that disagree. */
@Entity
@Table(name = "divergence")
@IdClass(DivergenceRow.Key.class)
class DivergenceRow extends PanacheEntityBase {

    /** The one that was there. */
    @Id
    String one;

    /** The one that came. */
    @Id
    String other;

    String module;
    String release;
    String image;
    Instant at;

    /** JSON, as {@link Divergences.Difference} has it. */
    String differences;

    record Key(String one, String other) implements Serializable {}
}
