package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.coordinator.fleet.FleetView.Decided;
import io.kmodfleet.coordinator.fleet.FleetView.Host;
import io.kmodfleet.coordinator.fleet.FleetView.Items;
import io.kmodfleet.coordinator.fleet.FleetView.Letter;
import io.kmodfleet.coordinator.fleet.FleetView.Why;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.Optional;

/** Hosts, decisions and the reasons for them. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
class FleetResource {

    private static final int MOST = 1000;

    private final Fleet fleet;
    private final Failures failures;

    FleetResource(Fleet fleet, Failures failures) {
        this.fleet = fleet;
        this.failures = failures;
    }

    @OfLedger
    @GET
    @Path("hosts")
    public Uni<Items<Host>> hosts(
            @QueryParam("after") @DefaultValue("") String after, @QueryParam("limit") @DefaultValue("100") int limit) {
        return fleet.hosts(after, bounded(limit));
    }

    @OfLedger
    @GET
    @Path("hosts/{host}")
    public Uni<Host> host(@PathParam("host") String name) {
        return fleet.hostMeantBy(name);
    }

    @OfLedger
    @GET
    @Path("hosts/{host}/explanation")
    public Uni<Why> explanation(@PathParam("host") String name, @QueryParam("kernel") Optional<String> kernel) {
        return fleet.hostMeantBy(name).chain(host -> fleet.explain(host, kernel));
    }

    @OfLedger
    @GET
    @Path("decisions")
    public Uni<Items<Decided>> decisions(
            @QueryParam("host") Optional<String> name,
            @QueryParam("before") @DefaultValue("9223372036854775807") long before,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        Uni<Optional<String>> host = name.isPresent()
                ? fleet.hostMeantBy(name.get()).map(found -> Optional.of(found.host()))
                : Uni.createFrom().item(Optional.empty());
        return host.chain(id -> fleet.decisions(id, before, bounded(limit))).map(Items::new);
    }

    /** What failed, the same errors together, those on most hosts first. */
    @OfLedger
    @GET
    @Path("failures")
    public Uni<Items<FailureCluster>> failures(@QueryParam("limit") @DefaultValue("20") int limit) {
        return failures.clusters(bounded(limit), Long.MAX_VALUE).map(Items::new);
    }

    @GET
    @Path("dead-letters")
    public Uni<Items<Letter>> deadLetters(@QueryParam("limit") @DefaultValue("100") int limit) {
        return fleet.deadLetters(bounded(limit)).map(Items::new);
    }

    static int bounded(int limit) {
        return Math.max(1, Math.min(MOST, limit));
    }
}
