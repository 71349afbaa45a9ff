package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.RetryRequested;
import io.kmodfleet.coordinator.dashboard.Actions.Action;
import io.kmodfleet.coordinator.fleet.Operator;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;
import java.util.Optional;

/** What people do to one host. */
@Path("/hosts")
@Blocking
@Produces(MediaType.TEXT_HTML)
class HostActionPages {

    private final Looking looking;
    private final Actions actions;

    HostActionPages(Looking looking, Actions actions) {
        this.looking = looking;
        this.actions = actions;
    }

    @GET
    @Path("{host}/retry")
    public Response askRetry(@PathParam("host") String host, @Context UriInfo uri) {
        return actions.ask(uri, retry(host, Optional.empty()));
    }

    @POST
    @Path("{host}/retry")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response retry(
            @PathParam("host") String host,
            @FormParam("author") @DefaultValue("") String author,
            @Context UriInfo uri) {
        if (author.isBlank()) {
            return actions.ask(uri, retry(host, Optional.of(Actions.NAME_MISSING)));
        }
        HostId id = Looking.host(looking.now(), host);
        return actions.done(
                new RetryRequested(Operator.author(author), Optional.of(id), Optional.empty()), "/hosts/" + id.value());
    }

    private Action retry(String host, Optional<String> fault) {
        Seen seen = looking.now();
        HostId id = Looking.host(seen, host);
        return new Action(
                "Try again on " + Looking.nameOf(seen, id),
                "Try again",
                false,
                "Everything that failed on this host, or that it was refused because of failures elsewhere, is decided afresh. A"
                        + " build may begin, here or on another host with the same kernel image.",
                1,
                actions.named(seen, List.of(id), any -> false),
                false,
                "",
                "/hosts/" + id.value(),
                fault);
    }
}
