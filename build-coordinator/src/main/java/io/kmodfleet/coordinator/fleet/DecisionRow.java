package io.kmodfleet.coordinator.fleet;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import io.quarkus.panache.common.Sort;
import io.smallrye.mutiny.Uni;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.IdClass;
import jakarta.persistence.Table;
import java.io.Serializable;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A decision of the ledger, by itself; a projection. */
@Entity
@Table(name = "decision")
@IdClass(DecisionRow.Key.class)
class DecisionRow extends PanacheEntityBase {

    @Id
    long position;

    @Id
    int place;

    @Column(name = "taken_at")
    Instant takenAt;

    String host;
    String release;
    String module;
    String kind;
    String reason;
    String body;

    static Uni<List<DecisionRow>> at(String host, List<Long> positions) {
        return list("host = ?1 and position in ?2", host, positions);
    }

    static Uni<List<DecisionRow>> newest(Optional<String> host, long before, int limit) {
        Sort newestFirst = Sort.descending("position", "place");
        return (host.isPresent()
                        ? find("host = ?1 and position < ?2", newestFirst, host.get(), before)
                        : find("position < ?1", newestFirst, before))
                .page(0, limit)
                .list();
    }

    /** Its primary key. */
    static class Key implements Serializable {
        long position;
        int place;

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && key.position == position && key.place == place;
        }

        @Override
        public int hashCode() {
            return java.util.Objects.hash(position, place);
        }
    }
}
