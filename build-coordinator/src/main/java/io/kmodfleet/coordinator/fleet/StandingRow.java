package io.kmodfleet.coordinator.fleet;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import io.smallrye.mutiny.Uni;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;
import java.time.Instant;
import java.util.Collection;
import java.util.List;

/** The decision in force for one module on one kernel of one host; a projection. */
@Entity
@Table(name = "standing")
@IdClass(StandingRow.Key.class)
class StandingRow extends PanacheEntityBase {

    @Id
    String host;

    @Id
    String release;

    @Id
    String module;

    @Column(name = "taken_at")
    Instant takenAt;

    String body;

    static Uni<List<StandingRow>> of(Collection<String> hosts) {
        return list("host in ?1 order by host, release, module", hosts);
    }

    /** Its primary key. */
    static class Key implements Serializable {
        String host;
        String release;
        String module;

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key
                    && key.host.equals(host)
                    && key.release.equals(release)
                    && key.module.equals(module);
        }

        @Override
        public int hashCode() {
            return java.util.Objects.hash(host, release, module);
        }
    }
}
