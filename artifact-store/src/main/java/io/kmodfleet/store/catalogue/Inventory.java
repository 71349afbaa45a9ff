package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.store.catalogue.CatalogueView.Damaged;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The bytes that are kept, and whether they still are what they were. */
@ApplicationScoped
public class Inventory {

    /** The rule that damaged bytes break that are no package, as the fleet hears of it. */
    public static final String DAMAGED = "DAMAGED";

    private final Catalogue catalogue;
    private final Changes changes;
    private final Clock clock = Clock.systemUTC();

    Inventory(Catalogue catalogue, Changes changes) {
        this.catalogue = catalogue;
        this.changes = changes;
    }

    /** A blob as it was when it was chosen to be read. */
    public record Due(Digest digest, long size, Instant checkedAt, boolean damaged) {}

    /** Those that were not read for the longest time. */
    public Uni<List<Due>> due(Instant before, int most) {
        return Panache.withSession(() -> BlobRow.<BlobRow>find("checkedAt < ?1 order by checkedAt", before)
                        .page(0, most)
                        .list())
                .map(rows -> rows.stream()
                        .map(row -> new Due(Digest.parse(row.digest), row.size, row.checkedAt, row.damagedAt != null))
                        .toList());
    }

    /** They were read, and are right. */
    public Uni<Void> right(Due blob) {
        Instant now = clock.instant();
        if (!blob.damaged()) {
            return Panache.withTransaction(() -> marked(blob, now)).replaceWithVoid();
        }
        return Panache.withTransaction(() -> CountingRow.locked()
                        .chain(locked -> marked(blob, now))
                        .chain(changed -> changed == 0 ? Uni.createFrom().voidItem() : catalogue.healed(blob.digest())))
                .invoke(changes::happened)
                .replaceWithVoid();
    }

    private static Uni<Integer> marked(Due blob, Instant now) {
        return BlobRow.update(
                "checkedAt = ?1, damagedAt = null, damage = null where digest = ?2 and checkedAt = ?3",
                now,
                blob.digest().toString(),
                blob.checkedAt());
    }

    /**
     * They are not what they were; the fleet is told, once. Whether that stands: where the same bytes came again since they were
     * chosen, what was read is not what lies there now.
     */
    public Uni<Boolean> damaged(Due blob, String evidence) {
        Instant now = clock.instant();
        return Panache.withTransaction(() -> CountingRow.locked()
                        .chain(locked -> BlobRow.update(
                                "checkedAt = ?1, damagedAt = coalesce(damagedAt, ?1), damage = ?2 where digest = ?3 and checkedAt = ?4",
                                now,
                                evidence,
                                blob.digest().toString(),
                                blob.checkedAt()))
                        .chain(changed -> changed == 0 || blob.damaged()
                                ? Uni.createFrom().item(changed > 0)
                                : PackageRow.<PackageRow>findById(blob.digest().toString())
                                        .chain(row -> catalogue.observe(damage(blob.digest(), row, evidence)))
                                        .replaceWith(true)))
                .invoke(changes::happened);
    }

    /** A package can be built anew, so it is said what for; of anything else only somebody who has it can send it again. */
    private static Observation damage(Digest digest, PackageRow row, String evidence) {
        return row == null
                ? new Observation.PackageRefused(digest, DAMAGED, evidence)
                : new Observation.PackageDamaged(
                        digest, CatalogueView.manifestOf(row).target(), evidence);
    }

    public Uni<List<Damaged>> damaged(int limit) {
        return Panache.withSession(() -> BlobRow.<BlobRow>find("damagedAt is not null order by damagedAt desc, digest")
                        .page(0, limit)
                        .list())
                .map(rows -> rows.stream().map(Damaged::of).toList());
    }

    /** Of these, those that the catalogue knows. */
    public Uni<Set<Digest>> known(List<Digest> digests) {
        return Panache.withSession(() -> BlobRow.<BlobRow>list(
                        "digest in ?1", digests.stream().map(Digest::toString).toList()))
                .map(rows -> rows.stream().map(row -> Digest.parse(row.digest)).collect(Collectors.toSet()));
    }

    /** Of all files together. */
    public Uni<Long> bytes() {
        return Panache.withSession(() -> Panache.getSession()
                .chain(session -> session.createQuery("select coalesce(sum(b.size), 0) from BlobRow b", Long.class)
                        .getSingleResult()));
    }
}
