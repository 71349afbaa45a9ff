package io.kmodfleet.store.serve;

import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.CatalogueView.Package;
import io.kmodfleet.store.catalogue.CatalogueView.Refused;
import io.kmodfleet.store.catalogue.CatalogueView.Source;
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

    ListResource(Catalogue catalogue) {
        this.catalogue = catalogue;
    }

    @GET
    @Path("sources")
    public Uni<Items<Source>> sources(@QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.sources(bounded(limit)).map(Items::new);
    }

    @GET
    @Path("packages")
    public Uni<Items<Package>> packages(
            @QueryParam("module") Optional<String> module,
            @QueryParam("release") Optional<String> release,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.packages(module, release, bounded(limit)).map(Items::new);
    }

    @GET
    @Path("refusals")
    public Uni<Items<Refused>> refusals(@QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.refusals(bounded(limit)).map(Items::new);
    }

    private static int bounded(int limit) {
        return Math.max(1, Math.min(MOST, limit));
    }
}
