package io.kmodfleet.store.serve;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.blob.BlobStore;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.CatalogueView.Package;
import io.kmodfleet.store.catalogue.CatalogueView.Refused;
import io.kmodfleet.store.catalogue.CatalogueView.Source;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.Optional;
import org.jboss.resteasy.reactive.PathPart;

/** Files never change under their digest: whoever has one has it for ever. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
class DownloadResource {

    private static final int MOST = 1000;

    private final BlobStore blobs;
    private final Catalogue catalogue;

    DownloadResource(BlobStore blobs, Catalogue catalogue) {
        this.blobs = blobs;
        this.catalogue = catalogue;
    }

    @GET
    @Path("sources")
    public Uni<Items<Source>> sources(@QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.sources(bounded(limit)).map(Items::new);
    }

    @GET
    @Path("packages")
    public Uni<Items<Package>> packages(
            @QueryParam("module") Optional<String> module,
            @QueryParam("release") Optional<String> release,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.packages(module, release, bounded(limit)).map(Items::new);
    }

    @GET
    @Path("refusals")
    public Uni<Items<Refused>> refusals(@QueryParam("limit") @DefaultValue("100") int limit) {
        return catalogue.refusals(bounded(limit)).map(Items::new);
    }

    @GET
    @Path("{kind: sources|packages|logs}/{hex}")
    @Produces(MediaType.WILDCARD)
    public Uni<Response> file(
            @PathParam("kind") String kind,
            @PathParam("hex") String hex,
            @HeaderParam("Range") String range,
            @HeaderParam("If-Range") String ifRange,
            @HeaderParam("If-None-Match") String ifNoneMatch) {
        Digest digest = digest(hex);
        java.nio.file.Path file = blobs.find(digest)
                .orElseThrow(() ->
                        new Problem(404, "No such file", "Expected a stored file, but there is none of " + digest));
        String tag = "\"" + digest.hex() + "\"";
        if (ifNoneMatch != null
                && (ifNoneMatch.contains(tag) || ifNoneMatch.strip().equals("*"))) {
            return Uni.createFrom()
                    .item(Response.notModified().header("ETag", tag).build());
        }
        boolean wanted = ifRange == null || ifRange.strip().equals(tag);
        String type = kind.equals("logs") ? "text/plain; charset=utf-8" : "application/gzip";
        return catalogue.fileName(digest).map(name -> answer(file, tag, type, wanted ? range : null, name));
    }

    private static Response answer(
            java.nio.file.Path file, String tag, String type, String range, Optional<String> name) {
        long size = file.toFile().length();
        Response.ResponseBuilder answer;
        try {
            Optional<ByteRange> part = ByteRange.parse(range, size);
            answer = part.isPresent()
                    ? Response.status(206)
                            .entity(new PathPart(
                                    file, part.get().first(), part.get().length()))
                            .header("Content-Range", part.get().contentRange(size))
                    : Response.ok(file);
        } catch (ByteRange.NotSatisfiable e) {
            return Response.status(416)
                    .header("Content-Range", "bytes */" + size)
                    .header("ETag", tag)
                    .build();
        }
        name.ifPresent(known -> answer.header("Content-Disposition", "attachment; filename=\"" + known + "\""));
        return answer.header("Content-Type", type)
                .header("ETag", tag)
                .header("Accept-Ranges", "bytes")
                .header("Cache-Control", "public, max-age=31536000, immutable")
                .header("X-Content-Type-Options", "nosniff")
                .build();
    }

    private static Digest digest(String hex) {
        try {
            return new Digest(hex);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
    }

    private static int bounded(int limit) {
        return Math.max(1, Math.min(MOST, limit));
    }
}
