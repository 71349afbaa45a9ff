package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.catalogue.CatalogueView.Pinned;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.List;

/** Packages that stay, whatever the rules of retention say, because somebody said why. */
@ApplicationScoped
public class Pins {

    private final Clock clock = Clock.systemUTC();

    public Uni<List<Pinned>> all() {
        return Panache.withSession(() -> PinRow.<PinRow>list("order by at desc, digest"))
                .map(rows -> rows.stream().map(Pinned::of).toList());
    }

    /** Whether there is such a package. A later reason takes the place of an earlier one. */
    public Uni<Boolean> pin(Digest digest, String reason, String author) {
        return Panache.withTransaction(() -> CountingRow.locked()
                .chain(locked -> PackageRow.<PackageRow>findById(digest.toString()))
                .chain(known -> known == null
                        ? Uni.createFrom().item(false)
                        : PinRow.deleteById(digest.toString())
                                .chain(() -> {
                                    PinRow row = new PinRow();
                                    row.digest = digest.toString();
                                    row.reason = Catalogue.printable(reason);
                                    row.author = Catalogue.printable(author);
                                    row.at = clock.instant();
                                    return row.persistAndFlush();
                                })
                                .replaceWith(true)));
    }

    /** Whether it was pinned. */
    public Uni<Boolean> unpin(Digest digest) {
        return Panache.withTransaction(() -> PinRow.deleteById(digest.toString()));
    }
}
