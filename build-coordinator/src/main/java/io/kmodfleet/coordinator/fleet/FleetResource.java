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
import java.util.List;
import java.util.Optional;

/** Hosts, decisions and the reasons for them. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
class FleetResource {

    private static final int MOST = 1000;

    private final Fleet fleet;

    FleetResource(Fleet fleet) {
        this.fleet = fleet;
    }

    @GET
    @Path("hosts")
    public Uni<Items<Host>> hosts(
            @QueryParam("after") @DefaultValue("") String after, @QueryParam("limit") @DefaultValue("100") int limit) {
        return fleet.hosts(after, bounded(limit)).map(Items::new);
    }

    @GET
    @Path("hosts/{host}")
    public Uni<Host> host(@PathParam("host") String name) {
        return one(name);
    }

    @GET
    @Path("hosts/{host}/explanation")
    public Uni<Why> explanation(@PathParam("host") String name) {
        return one(name).chain(fleet::explain);
    }

    @GET
    @Path("decisions")
    public Uni<Items<Decided>> decisions(
            @QueryParam("host") Optional<String> name,
            @QueryParam("before") @DefaultValue("9223372036854775807") long before,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        Uni<Optional<String>> host = name.isPresent()
                ? one(name.get()).map(found -> Optional.of(found.host()))
                : Uni.createFrom().item(Optional.empty());
        return host.chain(id -> fleet.decisions(id, before, bounded(limit))).map(Items::new);
    }

    @GET
    @Path("dead-letters")
    public Uni<Items<Letter>> deadLetters(@QueryParam("limit") @DefaultValue("100") int limit) {
        return fleet.deadLetters(bounded(limit)).map(Items::new);
    }

    private Uni<Host> one(String name) {
        return fleet.hostsNamed(name).map(found -> {
            List<Host> exact =
                    found.stream().filter(host -> host.host().equals(name)).toList();
            List<Host> meant = exact.isEmpty() ? found : exact;
            if (meant.isEmpty()) {
                throw new Problem(
                        404,
                        "No such host",
                        "Expected a host id, the first six or more digits of one, or a host name, but no host is called '"
                                + name + "'. See /api/v1/hosts");
            }
            if (meant.size() > 1) {
                throw new Problem(
                        409,
                        "Several hosts",
                        "Expected one host, but '" + name + "' may be "
                                + String.join(
                                        ", ", meant.stream().map(Host::host).toList()));
            }
            return meant.get(0);
        });
    }

    private static int bounded(int limit) {
        return Math.max(1, Math.min(MOST, limit));
    }
}
