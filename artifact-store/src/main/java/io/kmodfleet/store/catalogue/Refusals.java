package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.catalogue.CatalogueView.Refused;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What was not taken, and which bytes of it are still there for inspection. */
@ApplicationScoped
public class Refusals {

    private static final int MOST_FILES = 100;

    private final Changes changes;

    Refusals(Changes changes) {
        this.changes = changes;
    }

    /** Newest first. @param before id of the last one that was seen */
    public Uni<List<Refused>> list(Optional<String> rule, long before, int limit) {
        return Panache.withSession(() -> RefusalRow.<RefusalRow>find(
                                "id < ?1 and (?2 = '' or rule = ?2) order by id desc", before, rule.orElse(""))
                        .page(0, limit)
                        .list())
                .map(rows -> rows.stream().map(Refused::of).toList());
    }

    /** The last time that these bytes were refused. */
    public Uni<Optional<Refused>> last(Digest found) {
        return Panache.withSession(() -> RefusalRow.<RefusalRow>find("found = ?1 order by id desc", found.toString())
                        .page(0, 1)
                        .firstResult())
                .map(row -> Optional.ofNullable(row).map(Refused::of));
    }

    /** Bytes that have been there long enough, or that newer ones need the room of. */
    public Uni<List<Digest>> overdue(Instant before, long mostBytes) {
        return Panache.withSession(
                        () -> Panache.getSession().chain(session -> session.createNativeQuery("""
                                        select found from (
                                            select found, last, sum(size) over newest as bytes, row_number() over newest as files
                                            from (select found, max(at) as last, max(size) as size from refusal where kept group by found) as kept
                                            window newest as (order by last desc, found rows unbounded preceding)) as ranked
                                        where last < cast(:before as timestamptz) or bytes > :bytes or files > :files
                                        """, String.class)
                                .setParameter("before", before)
                                .setParameter("bytes", mostBytes)
                                .setParameter("files", MOST_FILES)
                                .getResultList()))
                .map(found -> found.stream().map(Digest::parse).toList());
    }

    public Uni<Void> forgotten(Digest found) {
        return Panache.withTransaction(
                        () -> RefusalRow.update("kept = false where kept and found = ?1", found.toString()))
                .invoke(changes::happened)
                .replaceWithVoid();
    }
}
