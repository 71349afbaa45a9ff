package io.kmodfleet.store.serve;

import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.CatalogueView.Damaged;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.CatalogueView.Package;
import io.kmodfleet.store.catalogue.CatalogueView.Page;
import io.kmodfleet.store.catalogue.CatalogueView.Refused;
import io.kmodfleet.store.catalogue.CatalogueView.Source;
import io.kmodfleet.store.catalogue.Divergences;
import io.kmodfleet.store.catalogue.Divergences.Diverged;
import io.kmodfleet.store.catalogue.Inventory;
import io.kmodfleet.store.catalogue.PackageQuery;
import io.kmodfleet.store.catalogue.PackageQuery.Place;
import io.kmodfleet.store.catalogue.PackageSearch;
import io.kmodfleet.store.catalogue.Refusals;
import io.kmodfleet.store.catalogue.State;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.Optional;

/** What there is. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
class ListResource {

    private static final int MOST = 1000;

    private final Catalogue catalogue;
    private final PackageSearch search;
    private final Refusals refusals;
    private final Inventory inventory;
    private final Divergences divergences;

    ListResource(
            Catalogue catalogue,
            PackageSearch search,
            Refusals refusals,
            Inventory inventory,
            Divergences divergences) {
        this.catalogue = catalogue;
        this.search = search;
        this.refusals = refusals;
        this.inventory = inventory;
        this.divergences = divergences;
    }

    @GET
    @Path("sources")
    public Uni<Items<Source>> sources(@QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.sources(bounded(limit)).map(Items::new);
    }

    /** @param after {@code next} of the page before */
    @GET
    @Path("packages")
    public Uni<Page<Package>> packages(
            @QueryParam("module") Optional<String> module,
            @QueryParam("version") Optional<String> version,
            @QueryParam("release") Optional<String> release,
            @QueryParam("builder") Optional<String> builder,
            @QueryParam("state") Optional<String> state,
            @QueryParam("text") Optional<String> text,
            @QueryParam("after") Optional<String> after,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        try {
            return search.find(new PackageQuery(
                    module,
                    version,
                    release,
                    builder,
                    state.map(State::of),
                    text,
                    after.map(Place::parse),
                    bounded(limit)));
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a query", e.getMessage());
        }
    }

    /** @param before id of the last one that was seen */
    @GET
    @Path("refusals")
    public Uni<Items<Refused>> refusals(
            @QueryParam("rule") Optional<String> rule,
            @QueryParam("before") @DefaultValue("9223372036854775807") long before,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        return refusals.list(rule, before, bounded(limit)).map(Items::new);
    }

    /** What is not served because the storage has lost or changed it. */
    @GET
    @Path("damaged")
    public Uni<Items<Damaged>> damaged(@QueryParam("limit") @DefaultValue("100") int limit) {
        return inventory.damaged(bounded(limit)).map(Items::new);
    }

    /** Builds of one target that disagree, and in what. */
    @GET
    @Path("divergences")
    public Uni<Items<Diverged>> divergences(@QueryParam("limit") @DefaultValue("100") int limit) {
        return divergences.list(bounded(limit)).map(Items::new);
    }

    private static int bounded(int limit) {
        return Math.max(1, Math.min(MOST, limit));
    }
}
