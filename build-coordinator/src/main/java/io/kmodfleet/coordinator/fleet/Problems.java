package io.kmodfleet.coordinator.fleet;

import jakarta.inject.Inject;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import org.jboss.logging.Logger;

/** The one place where this service turns exceptions into answers. */
@Provider
class Problems implements ExceptionMapper<Throwable> {

    private static final Logger LOG = Logger.getLogger(Problems.class);

    @Context
    HttpHeaders headers;

    @Context
    UriInfo uri;

    @Inject
    ProblemPage pages;

    /** RFC 9457, section 3.1. */
    record Body(String type, String title, int status, String detail) {}

    @Override
    public Response toResponse(Throwable failure) {
        if (failure instanceof Problem problem) {
            return answer(problem.status(), problem.title(), problem.getMessage());
        }
        if (failure instanceof WebApplicationException web) {
            int status = web.getResponse().getStatus();
            return answer(status, Response.Status.fromStatusCode(status).getReasonPhrase(), web.getMessage());
        }
        LOG.errorf(failure, "request failed");
        return answer(
                500, "Internal error", "Expected to answer, but something failed here. See the coordinator's log");
    }

    private Response answer(int status, String title, String detail) {
        boolean api = uri.getPath().startsWith("/api/");
        if (!api && headers.getAcceptableMediaTypes().stream().anyMatch(MediaType.TEXT_HTML_TYPE::equals)) {
            return pages.of(uri, status, title, detail);
        }
        return Response.status(status)
                .type("application/problem+json")
                .entity(new Body("about:blank", title, status, detail))
                .build();
    }
}
