package io.kmodfleet.store.intake;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;

/** Uploads, each under the digest of its bytes; the same bytes twice are one file. */
@Path("/api/v1")
@Consumes(MediaType.WILDCARD)
@Blocking
class UploadResource {

    private final Intake intake;

    UploadResource(Intake intake) {
        this.intake = intake;
    }

    @PUT
    @Path("sources/{hex}")
    public Response source(@PathParam("hex") String hex, InputStream body) throws IOException {
        return stored(intake.takeSource(digest(hex), body));
    }

    @PUT
    @Path("packages/{hex}")
    public Response modulePackage(
            @PathParam("hex") String hex, @HeaderParam(TraceContext.HEADER) String trace, InputStream body)
            throws IOException {
        return stored(intake.takePackage(digest(hex), body, TraceContext.read(trace)));
    }

    @PUT
    @Path("logs/{hex}")
    public Response log(@PathParam("hex") String hex, InputStream body) throws IOException {
        return stored(intake.takeLog(digest(hex), body));
    }

    private static Response stored(boolean isNew) {
        return Response.status(isNew ? 201 : 200).build();
    }

    private static Digest digest(String hex) {
        try {
            return new Digest(hex);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
    }
}
