package io.kmodfleet.store.problem;

import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import java.io.IOException;
import java.net.ConnectException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/** The one place where this service turns exceptions into answers. */
@Provider
class Problems implements ExceptionMapper<Throwable> {

    private static final Logger LOG = Logger.getLogger(Problems.class);

    /** RFC 9457, section 3.1; {@code rule} is our extension. */
    record Body(String type, String title, int status, String detail, Optional<String> rule) {}

    @Override
    public Response toResponse(Throwable failure) {
        if (failure instanceof Problem problem) {
            return answer(problem.status(), problem.title(), problem.rule(), problem.getMessage());
        }
        if (failure instanceof WebApplicationException web) {
            int status = web.getResponse().getStatus();
            Response.Status known = Response.Status.fromStatusCode(status);
            return answer(
                    status, known == null ? "Error" : known.getReasonPhrase(), Optional.empty(), web.getMessage());
        }
        if (failure instanceof IOException && isDiskFull(failure.getMessage())) {
            LOG.errorf("disk full error=%s", failure.getMessage());
            return answer(
                    507,
                    "Disk full",
                    Optional.empty(),
                    "Expected room for the upload, but the store's disk is full. Free some and send it again; nothing was kept");
        }
        if (causes(failure).anyMatch(cause -> cause instanceof ConnectException)) {
            LOG.errorf("catalogue not reached error=%s", failure);
            return answer(
                    503,
                    "Catalogue not reached",
                    Optional.empty(),
                    "Expected the database to answer, but it cannot be reached. Send it again later");
        }
        LOG.errorf(failure, "request failed");
        return answer(
                500,
                "Internal error",
                Optional.empty(),
                "Expected to answer, but something failed here. See the store's log");
    }

    /** ENOSPC and EDQUOT; the JDK gives no more than their texts. */
    private static boolean isDiskFull(String message) {
        return message != null && (message.contains("No space left") || message.contains("quota exceeded"));
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause).limit(20);
    }

    private static Response answer(int status, String title, Optional<String> rule, String detail) {
        return Response.status(status)
                .type("application/problem+json")
                .entity(new Body("about:blank", title, status, detail, rule))
                .build();
    }
}
