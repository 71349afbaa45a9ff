package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.coordinator.decision.TargetView;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;

/** What the store tells of a target: in what its builds differ, and what they said. */
@Path("/targets")
@Blocking
@Produces(MediaType.TEXT_HTML)
class StorePages {

    private final Looking looking;
    private final Pages pages;
    private final AtStore store;

    StorePages(Looking looking, Pages pages, AtStore store) {
        this.looking = looking;
        this.pages = pages;
        this.store = store;
    }

    @GET
    @Path("{arch}/{release}/{image}/{source}/differences")
    public Response differences(
            @PathParam("arch") String arch,
            @PathParam("release") String release,
            @PathParam("image") String image,
            @PathParam("source") String source,
            @Context UriInfo uri) {
        BuildTarget target = TargetPages.target(arch, release, image, source);
        List<Digest> packages = TargetView.of(looking.now().state(), target).packages().stream()
                .map(TargetView.Offered::digest)
                .toList();
        List<AtStore.Diverged> diverged = store.divergences(packages);
        return Pages.own(Templates.differences(
                pages.page("In what builds for " + release + " differ", "targets", uri, looking.now()),
                TargetPages.address(target),
                diverged));
    }

    @GET
    @Path("{arch}/{release}/{image}/{source}/log/{digest}")
    public Response log(
            @PathParam("arch") String arch,
            @PathParam("release") String release,
            @PathParam("image") String image,
            @PathParam("source") String source,
            @PathParam("digest") String hex,
            @Context UriInfo uri) {
        BuildTarget target = TargetPages.target(arch, release, image, source);
        Digest digest = TargetPages.packageOf(looking.now(), target, hex);
        return Pages.own(Templates.log(
                pages.page("Log of the build of package " + digest.brief(), "targets", uri, looking.now()),
                TargetPages.address(target),
                store.logOf(digest)));
    }
}
