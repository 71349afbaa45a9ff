package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import io.smallrye.mutiny.Uni;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.LockModeType;
import jakarta.persistence.Table;

/** Numbers the store's observations. One row. */
@Entity
@Table(name = "counting")
class CountingRow extends PanacheEntityBase {

    @Id
    @Column(name = "only_row")
    boolean onlyRow;

    long epoch;
    long sequence;

    /** Locked until the transaction ends, so that numbers are given in the order of commits and without a gap. */
    static Uni<CountingRow> locked() {
        return findById(true, LockModeType.PESSIMISTIC_WRITE);
    }
}
