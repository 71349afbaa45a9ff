package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.PackageRecalled;
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

/** The recall of a package, with the hosts that have it before anybody confirms. */
@Path("/targets")
@Blocking
@Produces(MediaType.TEXT_HTML)
class RecallPages {

    private final Looking looking;
    private final Actions actions;

    RecallPages(Looking looking, Actions actions) {
        this.looking = looking;
        this.actions = actions;
    }

    @GET
    @Path("{arch}/{release}/{image}/{source}/recall/{digest}")
    public Response askRecall(
            @PathParam("arch") String arch,
            @PathParam("release") String release,
            @PathParam("image") String image,
            @PathParam("source") String source,
            @PathParam("digest") String digest,
            @Context UriInfo uri) {
        BuildTarget target = TargetPages.target(arch, release, image, source);
        return actions.ask(uri, recall(target, digest, "", Optional.empty()));
    }

    @POST
    @Path("{arch}/{release}/{image}/{source}/recall/{digest}")
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
        BuildTarget target = TargetPages.target(arch, release, image, source);
        return actions.because(
                uri,
                author,
                why,
                fault -> recall(target, hex, why, fault),
                () -> new PackageRecalled(Operator.author(author), target, new Digest(hex), why));
    }

    private Action recall(BuildTarget target, String hex, String why, Optional<String> fault) {
        Seen seen = looking.now();
        Digest digest = TargetPages.packageOf(seen, target, hex);
        List<HostId> hosts = seen.state().hostsWithPackage(target, digest);
        return new Action(
                "Recall package " + digest.brief(),
                "Recall",
                true,
                "No host gets this package any more, and each that has it is answered anew: another package where there is one, a"
                        + " new build, or a refusal. No module that is in use is unloaded. A recall is for ever.",
                hosts.size(),
                actions.named(seen, hosts, host -> seen.state().runs(host, target, digest)),
                true,
                why,
                TargetPages.address(target),
                fault);
    }
}
