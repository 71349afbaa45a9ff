package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.coordinator.decision.TargetView;
import io.kmodfleet.coordinator.fleet.Problem;
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
import java.util.Optional;

/** One build, with what it says while it runs. */
@Path("/builds/{build}")
@Blocking
class BuildPages {

    private final Looking looking;
    private final Pages pages;
    private final BuildLogs logs;

    BuildPages(Looking looking, Pages pages, BuildLogs logs) {
        this.looking = looking;
        this.pages = pages;
        this.logs = logs;
    }

    /** @param target that is being built; absent where the build is over */
    record Shown(DecisionId id, Optional<TargetView> target, String builder, List<String> lines, boolean ended) {}

    @GET
    @Produces(MediaType.TEXT_HTML)
    public Response build(@PathParam("build") String build, @Context UriInfo uri) {
        DecisionId id;
        try {
            id = DecisionId.parse(build);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a build", e.getMessage());
        }
        Seen seen = looking.now();
        Optional<TargetView> target = TargetView.building(seen.state(), id);
        BuildLogs.Log log = logs.of(id.toString());
        return Pages.own(Templates.build(
                pages.page("Build " + id, "targets", uri, seen),
                new Shown(
                        id,
                        target,
                        target.flatMap(TargetView::running)
                                .map(running -> Looking.nameOf(seen, running.builder()))
                                .orElse(""),
                        log.lines(),
                        log.ended())));
    }
}
