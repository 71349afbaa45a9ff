package io.kmodfleet.store.problem;

import io.kmodfleet.store.blob.StorageTrouble;
import io.vertx.pgclient.PgException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/** The one place where this service turns exceptions into answers. */
@Provider
public class Problems implements ExceptionMapper<Throwable> {

    public static final String MEDIA_TYPE = "application/problem+json";

    private static final Logger LOG = Logger.getLogger(Problems.class);
    private static final Duration SOON = Duration.ofSeconds(5);

    /** SQLSTATE of a database that starts, stops or has no connection left. */
    private static final List<String> DATABASE_AWAY = List.of("57P01", "57P02", "57P03", "53300");

    @Override
    public Response toResponse(Throwable failure) {
        Problem problem = of(failure);
        Response.ResponseBuilder answer =
                Response.status(problem.status()).type(MEDIA_TYPE).entity(problem.body());
        problem.retryAfterSeconds().ifPresent(seconds -> answer.header("Retry-After", seconds));
        return answer.build();
    }

    /** What is answered where that was thrown; what is our own fault is logged. */
    public static Problem of(Throwable failure) {
        if (failure instanceof Problem problem) {
            return problem;
        }
        if (failure instanceof WebApplicationException web) {
            int status = web.getResponse().getStatus();
            Response.Status known = Response.Status.fromStatusCode(status);
            return new Problem(status, known == null ? "Error" : known.getReasonPhrase(), web.getMessage());
        }
        Optional<StorageTrouble> trouble = causes(failure)
                .filter(StorageTrouble.class::isInstance)
                .map(StorageTrouble.class::cast)
                .findFirst();
        if (trouble.isPresent()) {
            LOG.errorf("storage fails error=%s", trouble.get().getMessage());
            return Problem.passing(
                    trouble.get().isSlow() ? 504 : 503,
                    trouble.get().isSlow() ? "Storage too slow" : "Storage not reached",
                    SOON,
                    trouble.get().getMessage() + ". Nothing was lost; try again later");
        }
        if (causes(failure).anyMatch(cause -> cause instanceof IOException && isDiskFull(cause.getMessage()))) {
            LOG.errorf("disk full error=%s", failure.getMessage());
            return new Problem(
                    507,
                    "Disk full",
                    "Expected room for the upload, but the store's disk is full. Free some and send it again; nothing was kept");
        }
        if (causes(failure).anyMatch(Problems::isDatabaseAway)) {
            LOG.errorf("catalogue not reached error=%s", failure);
            return Problem.passing(
                    503,
                    "Catalogue not reached",
                    SOON,
                    "Expected the database to answer, but it cannot be reached. Send it again later");
        }
        LOG.errorf(failure, "request failed");
        return new Problem(500, "Internal error", "Expected to answer, but something failed here. See the store's log");
    }

    private static boolean isDatabaseAway(Throwable cause) {
        return cause instanceof ConnectException
                || cause instanceof io.vertx.core.http.HttpClosedException
                || cause instanceof PgException answer && DATABASE_AWAY.contains(answer.getSqlState());
    }

    /** ENOSPC and EDQUOT; the JDK gives no more than their texts. */
    private static boolean isDiskFull(String message) {
        return message != null && (message.contains("No space left") || message.contains("quota exceeded"));
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause).limit(20);
    }
}
