package io.kmodfleet.store.retention;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.CatalogueView.Pinned;
import io.kmodfleet.store.catalogue.Pins;
import io.kmodfleet.store.problem.Problem;
import io.kmodfleet.store.retention.Retention.Plan;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

/** What would go, its going, and what stays whatever happens. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
class RetentionResource {

    private static final String UNKNOWN = "unknown";

    private final Retention retention;
    private final Pins pins;

    RetentionResource(Retention retention, Pins pins) {
        this.retention = retention;
        this.pins = pins;
    }

    /** @param reason one line, for everybody who reads it later */
    record Pin(String reason) {}

    @GET
    @Path("retention")
    @Blocking
    public Plan plan() {
        return retention.plan();
    }

    @POST
    @Path("retention")
    @Consumes(MediaType.WILDCARD)
    @Blocking
    public Plan apply(@HeaderParam("Kmodfleet-Author") @DefaultValue(UNKNOWN) String author) {
        return retention.apply(author);
    }

    @GET
    @Path("pins")
    public Uni<Items<Pinned>> pins() {
        return pins.all().map(Items::new);
    }

    @PUT
    @Path("pins/{hex}")
    @Consumes(MediaType.APPLICATION_JSON)
    public Uni<Response> pin(
            @PathParam("hex") String hex,
            @HeaderParam("Kmodfleet-Author") @DefaultValue(UNKNOWN) String author,
            Pin pin) {
        Digest digest = digest(hex);
        if (pin == null || pin.reason() == null || pin.reason().isBlank()) {
            throw new Problem(
                    400, "Reason missing", "Expected 'reason' in the body: whoever reads it later wants to know");
        }
        return pins.pin(digest, pin.reason(), author).map(known -> answer(known, digest));
    }

    @DELETE
    @Path("pins/{hex}")
    public Uni<Response> unpin(@PathParam("hex") String hex) {
        Digest digest = digest(hex);
        return pins.unpin(digest).map(known -> answer(known, digest));
    }

    private static Response answer(boolean known, Digest digest) {
        if (!known) {
            throw new Problem(
                    404, "No such package", "Expected a package or a pin of " + digest + ", but there is none");
        }
        return Response.noContent().build();
    }

    private static Digest digest(String hex) {
        try {
            return new Digest(hex);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
    }
}
