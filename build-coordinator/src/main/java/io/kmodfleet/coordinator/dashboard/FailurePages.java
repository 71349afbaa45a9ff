package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.fleet.Failures;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.time.Duration;
import java.util.Optional;

/** What failed, the same errors together. */
@Path("/failures")
@Blocking
class FailurePages {

    private static final int CLUSTERS = 50;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Looking looking;
    private final Pages pages;
    private final Failures failures;

    FailurePages(Looking looking, Pages pages, Failures failures) {
        this.looking = looking;
        this.pages = pages;
        this.failures = failures;
    }

    @GET
    @Produces(MediaType.TEXT_HTML)
    public Response failures(
            @QueryParam("at") Optional<String> at, @Context UriInfo uri, @Context HttpHeaders headers) {
        return looking.at(
                at,
                uri,
                headers,
                seen -> Templates.failures(
                        pages.page("Failures", "failures", uri, seen),
                        failures.clusters(CLUSTERS, seen.upTo()).await().atMost(PATIENCE)));
    }
}
