package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.catalogue.CatalogueView.Package;
import io.kmodfleet.store.catalogue.CatalogueView.Page;
import io.kmodfleet.store.catalogue.PackageQuery.Place;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds packages, a page at a time. */
@ApplicationScoped
public class PackageSearch {

    private static final String COLUMNS =
            "digest, module, module_version, release, builder, file_name, size, stored_at, manifest, log, state, state_why, state_at, builders, compared, warnings";

    public Uni<Page<Package>> find(PackageQuery query) {
        return Panache.withSession(() -> Panache.getSession().chain(session -> {
                    // One more than is shown tells whether there is a next page.
                    var select = session.createNativeQuery(
                            "select " + COLUMNS + " from package where " + query.condition()
                                    + " order by stored_at desc, digest desc limit " + (query.limit() + 1),
                            PackageRow.class);
                    for (Map.Entry<String, Object> parameter :
                            query.parameters().entrySet()) {
                        select.setParameter(parameter.getKey(), parameter.getValue());
                    }
                    return select.getResultList();
                }))
                .map(rows -> page(rows, query.limit()));
    }

    private static Page<Package> page(List<PackageRow> rows, int limit) {
        List<PackageRow> shown = rows.size() > limit ? rows.subList(0, limit) : rows;
        Optional<String> next = Optional.empty();
        if (rows.size() > limit) {
            PackageRow last = shown.get(limit - 1);
            next = Optional.of(new Place(last.storedAt, Digest.parse(last.digest)).opaque());
        }
        return new Page<>(shown.stream().map(Package::of).toList(), next);
    }
}
