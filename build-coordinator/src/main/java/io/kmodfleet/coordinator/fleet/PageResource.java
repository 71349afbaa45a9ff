package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.coordinator.fleet.FleetView.Decided;
import io.kmodfleet.coordinator.fleet.FleetView.Host;
import io.kmodfleet.coordinator.fleet.FleetView.Letter;
import io.kmodfleet.coordinator.fleet.FleetView.Why;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.Optional;

/** The fleet in a browser: who was told what, and why. Plain pages that need no script. */
@Path("/")
@Produces(MediaType.TEXT_HTML)
class PageResource {

    private static final int ROWS = 200;

    private final Fleet fleet;
    private final CoordinatorLoop loop;

    PageResource(Fleet fleet, CoordinatorLoop loop) {
        this.fleet = fleet;
        this.loop = loop;
    }

    @CheckedTemplate
    static class Templates {
        static native TemplateInstance fleet(
                List<Host> hosts, List<Decided> decisions, List<Letter> letters, long position);

        static native TemplateInstance host(Why why, List<Decided> decisions);
    }

    @GET
    public Uni<TemplateInstance> fleet() {
        return fleet.hosts("", ROWS).chain(hosts -> fleet.decisions(Optional.empty(), Long.MAX_VALUE, 20)
                .chain(decisions -> fleet.deadLetters(10)
                        .map(letters -> Templates.fleet(
                                hosts, decisions, letters, loop.state().position()))));
    }

    @GET
    @Path("hosts/{host}")
    public Uni<TemplateInstance> host(@PathParam("host") String id) {
        return fleet.hostsNamed(id).chain(found -> {
            if (found.isEmpty()) {
                throw new Problem(404, "No such host", "Expected a host id, but no host has this one");
            }
            Host host = found.get(0);
            return fleet.explain(host, Optional.empty())
                    .chain(why -> fleet.decisions(Optional.of(host.host()), Long.MAX_VALUE, 50)
                            .map(decisions -> Templates.host(why, decisions)));
        });
    }
}
