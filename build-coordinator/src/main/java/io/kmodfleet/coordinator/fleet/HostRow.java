package io.kmodfleet.coordinator.fleet;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import io.smallrye.mutiny.Uni;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.List;

/** A host as it last reported; a projection. */
@Entity
@Table(name = "host")
class HostRow extends PanacheEntityBase {

    @Id
    String id;

    String hostname;
    String os;
    String arch;

    @Column(name = "observe_only")
    boolean observeOnly;

    @Column(name = "reported_at")
    Instant reportedAt;

    long position;

    static Uni<List<HostRow>> page(String after, int limit) {
        return find("id > ?1 order by id", after).page(0, limit).list();
    }

    /** By id, by the beginning of an id of at least six digits, or by host name. */
    static Uni<List<HostRow>> named(String name) {
        String prefix = name.length() >= 6 ? name.replaceAll("[^0-9a-f]", "_") : name;
        return find(
                        "id = ?1 or hostname = ?1 or (length(?1) >= 6 and left(id, length(?1)) = ?2) order by id",
                        name,
                        prefix)
                .page(0, 10)
                .list();
    }
}
