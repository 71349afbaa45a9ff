package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.coordinator.board.Board.Count;
import io.kmodfleet.coordinator.decision.Preflight;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;
import java.util.Optional;

/** What an upgrade would come to, before anybody upgrades. */
@Path("/preflight")
@Blocking
class PreflightPages {

    private static final int SUGGESTED = 50;

    private final Looking looking;
    private final Pages pages;

    PreflightPages(Looking looking, Pages pages) {
        this.looking = looking;
        this.pages = pages;
    }

    record Shown(
            String release, String arch, List<Count> known, Optional<Preflight> preflight, Optional<String> fault) {}

    @GET
    @Produces(MediaType.TEXT_HTML)
    public Response preflight(
            @QueryParam("release") @DefaultValue("") String release,
            @QueryParam("arch") @DefaultValue("x86_64") String arch,
            @QueryParam("at") Optional<String> at,
            @Context UriInfo uri,
            @Context HttpHeaders headers) {
        return looking.at(
                at,
                uri,
                headers,
                seen -> Templates.preflight(
                        pages.page("Preflight", "preflight", uri, seen), shown(seen, release.strip(), arch.strip())));
    }

    private static Shown shown(Seen seen, String release, String arch) {
        Optional<Preflight> preflight = Optional.empty();
        Optional<String> fault = Optional.empty();
        if (!release.isEmpty()) {
            try {
                preflight = Optional.of(Preflight.of(
                        seen.state(),
                        new KernelIdentity(
                                arch,
                                release,
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty())));
            } catch (IllegalArgumentException e) {
                fault = Optional.of(e.getMessage());
            }
        }
        return new Shown(
                release, arch, seen.board().kernels().stream().limit(SUGGESTED).toList(), preflight, fault);
    }
}
