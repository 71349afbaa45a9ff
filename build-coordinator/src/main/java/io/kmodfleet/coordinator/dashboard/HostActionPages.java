package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.HostHeld;
import io.kmodfleet.contracts.Observation.HostReleased;
import io.kmodfleet.contracts.Observation.RetryRequested;
import io.kmodfleet.contracts.Observation.RiskAccepted;
import io.kmodfleet.coordinator.dashboard.Actions.Action;
import io.kmodfleet.coordinator.decision.FleetState.Held;
import io.kmodfleet.coordinator.fleet.Operator;
import io.kmodfleet.coordinator.fleet.Problem;
import io.kmodfleet.coordinator.fleet.Risks;
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
                new RetryRequested(Operator.author(author), Optional.of(id), Optional.empty()), address(id));
    }

    @GET
    @Path("{host}/hold")
    public Response askHold(@PathParam("host") String host, @Context UriInfo uri) {
        return actions.ask(uri, hold(host, "", Optional.empty()));
    }

    @POST
    @Path("{host}/hold")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response hold(
            @PathParam("host") String host,
            @FormParam("author") @DefaultValue("") String author,
            @FormParam("why") @DefaultValue("") String why,
            @Context UriInfo uri) {
        HostId id = Looking.host(looking.now(), host);
        return actions.because(
                uri,
                author,
                why,
                fault -> hold(host, why, fault),
                () -> new HostHeld(Operator.author(author), id, why));
    }

    @GET
    @Path("{host}/release")
    public Response askRelease(@PathParam("host") String host, @Context UriInfo uri) {
        return actions.ask(uri, release(host, Optional.empty()));
    }

    @POST
    @Path("{host}/release")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response release(
            @PathParam("host") String host,
            @FormParam("author") @DefaultValue("") String author,
            @Context UriInfo uri) {
        Action question = release(host, Optional.of(Actions.NAME_MISSING));
        if (author.isBlank()) {
            return actions.ask(uri, question);
        }
        HostId id = Looking.host(looking.now(), host);
        return actions.done(new HostReleased(Operator.author(author), id), address(id));
    }

    @GET
    @Path("{host}/accept")
    public Response askAccept(@PathParam("host") String host, @Context UriInfo uri) {
        return actions.ask(uri, accept(host, "", Optional.empty()));
    }

    @POST
    @Path("{host}/accept")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response accept(
            @PathParam("host") String host,
            @FormParam("author") @DefaultValue("") String author,
            @FormParam("why") @DefaultValue("") String why,
            @Context UriInfo uri) {
        HostId id = Looking.host(looking.now(), host);
        return actions.because(
                uri,
                author,
                why,
                fault -> accept(host, why, fault),
                () -> new RiskAccepted(Operator.author(author), id, why));
    }

    /** @throws Problem where nothing holds it back */
    private Action accept(String host, String why, Optional<String> fault) {
        Seen seen = looking.now();
        Risks.require(seen.state(), Looking.host(seen, host));
        return action(
                host,
                "Accept what holds back ",
                "Accept",
                "It stays as it is, would boot without its module, and is shown as accepted instead of among those that somebody must"
                        + " see to. That ends by itself with the next answer that it gets.",
                true,
                why,
                fault);
    }

    private Action retry(String host, Optional<String> fault) {
        return action(
                host,
                "Try again on ",
                "Try again",
                "Everything that failed on this host, or that it was refused because of failures elsewhere, is decided afresh. A"
                        + " build may begin, here or on another host with the same kernel image.",
                false,
                "",
                fault);
    }

    private Action hold(String host, String why, Optional<String> fault) {
        return action(
                host,
                "Hold ",
                "Hold",
                "It keeps what it has: nothing is installed, built or activated there, and it tries no package for others, until"
                        + " somebody releases it. What it was told before, it may still do.",
                true,
                why,
                fault);
    }

    /** @throws Problem where nobody holds it */
    private Action release(String host, Optional<String> fault) {
        Seen seen = looking.now();
        HostId id = Looking.host(seen, host);
        Held held = seen.state()
                .held(id)
                .orElseThrow(() -> new Problem(
                        409, "Not held", "Expected a host that is held, but nobody holds " + Looking.nameOf(seen, id)));
        return action(
                host,
                "Release ",
                "Release",
                "Everything about it is decided afresh. " + held.author() + " held it: " + held.why(),
                false,
                "",
                fault);
    }

    private Action action(
            String host,
            String title,
            String verb,
            String consequence,
            boolean asksWhy,
            String why,
            Optional<String> fault) {
        Seen seen = looking.now();
        HostId id = Looking.host(seen, host);
        return new Action(
                title + Looking.nameOf(seen, id),
                verb,
                false,
                consequence,
                1,
                actions.named(seen, List.of(id), any -> false),
                asksWhy,
                why,
                address(id),
                fault);
    }

    private static String address(HostId host) {
        return "/hosts/" + host.value();
    }
}
