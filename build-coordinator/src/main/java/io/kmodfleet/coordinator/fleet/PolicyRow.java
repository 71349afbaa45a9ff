package io.kmodfleet.coordinator.fleet;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import io.quarkus.panache.common.Sort;
import io.smallrye.mutiny.Uni;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.List;

/** A published policy; a projection. */
@Entity
@Table(name = "policy")
class PolicyRow extends PanacheEntityBase {

    @Id
    long position;

    String author;

    @Column(name = "published_at")
    Instant publishedAt;

    String document;

    /** Position of the entry that put it in force; null where none did. */
    @Column(name = "in_force_at")
    Long inForceAt;

    /** Those before a position, the newest first. */
    static Uni<List<PolicyRow>> before(long position, int limit) {
        return PolicyRow.<PolicyRow>find("position < ?1", Sort.descending("position"), position)
                .page(0, limit)
                .list();
    }

    /** The one in force, or null. */
    static Uni<PolicyRow> current() {
        return find("inForceAt is not null", Sort.descending("inForceAt")).firstResult();
    }
}
