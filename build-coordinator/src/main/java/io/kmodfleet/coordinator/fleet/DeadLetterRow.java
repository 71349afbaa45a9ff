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

/** A record that was no observation; a projection. */
@Entity
@Table(name = "dead_letter")
@IdClass(DeadLetterRow.Key.class)
class DeadLetterRow extends PanacheEntityBase {

    @Id
    String topic;

    @Id
    int part;

    @Id
    @Column(name = "part_offset")
    long partOffset;

    String problem;
    String detail;
    String excerpt;
    Instant at;

    static Uni<List<DeadLetterRow>> newest(int limit) {
        return findAll(Sort.descending("at")).page(0, limit).list();
    }

    /** Its primary key. */
    static class Key implements Serializable {
        String topic;
        int part;
        long partOffset;

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key
                    && key.topic.equals(topic)
                    && key.part == part
                    && key.partOffset == partOffset;
        }

        @Override
        public int hashCode() {
            return java.util.Objects.hash(topic, part, partOffset);
        }
    }
}
