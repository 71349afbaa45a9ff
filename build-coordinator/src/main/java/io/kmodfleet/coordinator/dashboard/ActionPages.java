package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.PackageRecalled;
import io.kmodfleet.contracts.Observation.RetryRequested;
import io.kmodfleet.coordinator.fleet.Operator;
import io.kmodfleet.coordinator.fleet.Problem;
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
import java.net.URI;
import java.util.List;
import java.util.Optional;

/** What people do. Each is asked once, with what will happen to whom, and stands in the ledger with its author. */
@Path("/")
@Blocking
@Produces(MediaType.TEXT_HTML)
class ActionPages {

    private static final int NAMED = 100;

    private final Looking looking;
    private final Pages pages;
    private final Operator operator;

    ActionPages(Looking looking, Pages pages, Operator operator) {
        this.looking = looking;
        this.pages = pages;
        this.operator = operator;
    }

    record Named(HostId host, String hostname, boolean running) {}

    /**
     * What is asked.
     *
     * @param verb on the button
     * @param consequence what will happen
     * @param hosts to whom, the first of them
     * @param asksWhy whether a reason is wanted
     * @param back where to go without doing it
     * @param fault of the last try
     */
    record Action(
            String title,
            String verb,
            boolean grave,
            String consequence,
            int count,
            List<Named> hosts,
            boolean asksWhy,
            String why,
            String back,
            Optional<String> fault) {}

    @GET
    @Path("hosts/{host}/retry")
    public Response askRetry(@PathParam("host") String host, @Context UriInfo uri) {
        return ask(uri, retry(host, Optional.empty()));
    }

    @POST
    @Path("hosts/{host}/retry")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response retry(
            @PathParam("host") String host,
            @FormParam("author") @DefaultValue("") String author,
            @Context UriInfo uri) {
        if (author.isBlank()) {
            return ask(uri, retry(host, Optional.of(NAME_MISSING)));
        }
        HostId id = Looking.host(looking.now(), host);
        return done(
                new RetryRequested(Operator.author(author), Optional.of(id), Optional.empty()), "/hosts/" + id.value());
    }

    @GET
    @Path("targets/{arch}/{release}/{image}/{source}/recall/{digest}")
    public Response askRecall(
            @PathParam("arch") String arch,
            @PathParam("release") String release,
            @PathParam("image") String image,
            @PathParam("source") String source,
            @PathParam("digest") String digest,
            @Context UriInfo uri) {
        return ask(uri, recall(target(arch, release, image, source), digest(digest), "", Optional.empty()));
    }

    @POST
    @Path("targets/{arch}/{release}/{image}/{source}/recall/{digest}")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response recall(
            @PathParam("arch") String arch,
            @PathParam("release") String release,
            @PathParam("image") String image,
            @PathParam("source") String source,
            @PathParam("digest") String hex,
            @FormParam("author") @DefaultValue("") String author,
            @FormParam("why") @DefaultValue("") String why,
            @Context UriInfo uri) {
        BuildTarget target = target(arch, release, image, source);
        Digest digest = digest(hex);
        if (author.isBlank() || why.isBlank()) {
            return ask(
                    uri,
                    recall(
                            target,
                            digest,
                            why,
                            Optional.of(
                                    author.isBlank()
                                            ? NAME_MISSING
                                            : "Expected a reason: whoever reads it later wants to know")));
        }
        Observation recalled;
        try {
            recalled = new PackageRecalled(Operator.author(author), target, digest, why);
        } catch (IllegalArgumentException e) {
            return ask(uri, recall(target, digest, why, Optional.of(e.getMessage())));
        }
        return done(recalled, TargetPages.address(target));
    }

    private static final String NAME_MISSING = "Expected your name: it stands in the ledger beside what you did";

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
                List.of(new Named(id, Looking.nameOf(seen, id), false)),
                false,
                "",
                "/hosts/" + id.value(),
                fault);
    }

    private Action recall(BuildTarget target, Digest digest, String why, Optional<String> fault) {
        Seen seen = looking.now();
        List<HostId> hosts = seen.state().hostsWithPackage(target, digest);
        return new Action(
                "Recall package " + digest.brief(),
                "Recall",
                true,
                "No host gets this package any more, and each that has it is answered anew: another package where there is one, a"
                        + " new build, or a refusal. No module that is in use is unloaded. A recall is for ever.",
                hosts.size(),
                hosts.stream()
                        .limit(NAMED)
                        .map(host -> new Named(
                                host, Looking.nameOf(seen, host), seen.state().runs(host, target, digest)))
                        .toList(),
                true,
                why,
                TargetPages.address(target),
                fault);
    }

    private Response ask(UriInfo uri, Action action) {
        return Pages.own(Templates.confirm(pages.page(action.title(), "", uri, looking.now()), action));
    }

    private Response done(Observation observation, String back) {
        long position = operator.says(observation).await().indefinitely();
        return Response.seeOther(URI.create(back + "?done=" + position)).build();
    }

    private static BuildTarget target(String arch, String release, String image, String source) {
        try {
            return new BuildTarget(new Digest(source), arch, release, new Digest(image));
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a build target", e.getMessage());
        }
    }

    private static Digest digest(String hex) {
        try {
            return new Digest(hex);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
    }
}
