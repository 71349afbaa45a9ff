package io.kmodfleet.store.serve;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.blob.BlobStore;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.Catalogue.Kind;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.CatalogueView.Package;
import io.kmodfleet.store.catalogue.CatalogueView.Refused;
import io.kmodfleet.store.catalogue.CatalogueView.Source;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.BeanParam;
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
    @Path("sources/{hex}")
    @Produces(MediaType.WILDCARD)
    public Uni<Response> source(@PathParam("hex") String hex, @BeanParam Conditions conditions) {
        return file(Kind.SOURCE, hex, conditions);
    }

    @GET
    @Path("packages/{hex}")
    @Produces(MediaType.WILDCARD)
    public Uni<Response> modulePackage(@PathParam("hex") String hex, @BeanParam Conditions conditions) {
        return file(Kind.PACKAGE, hex, conditions);
    }

    @GET
    @Path("logs/{hex}")
    @Produces(MediaType.WILDCARD)
    public Uni<Response> log(@PathParam("hex") String hex, @BeanParam Conditions conditions) {
        return file(Kind.LOG, hex, conditions);
    }

    /** What a client has already, and what it wants of the rest (RFC 9110, sections 13 and 14). */
    record Conditions(
            @HeaderParam("Range") String range,
            @HeaderParam("If-Range") String ifRange,
            @HeaderParam("If-None-Match") String ifNoneMatch) {

        boolean has(String tag) {
            return ifNoneMatch != null
                    && (ifNoneMatch.contains(tag) || ifNoneMatch.strip().equals("*"));
        }

        String rangeOf(String tag) {
            return ifRange == null || ifRange.strip().equals(tag) ? range : null;
        }
    }

    /** Only what the catalogue knows as that kind: a log that was taken unread is never served as a package. */
    private Uni<Response> file(Kind kind, String hex, Conditions conditions) {
        Digest digest = digest(hex);
        return catalogue.fileName(kind, digest).map(name -> {
            java.nio.file.Path file = name.flatMap(known -> blobs.find(digest))
                    .orElseThrow(() -> new Problem(
                            404,
                            "No such file",
                            "Expected a stored " + kind.word() + ", but there is none of " + digest));
            String tag = "\"" + digest.hex() + "\"";
            return conditions.has(tag)
                    ? Response.notModified().header("ETag", tag).build()
                    : answer(kind, file, tag, conditions.rangeOf(tag), name.get());
        });
    }

    private static Response answer(Kind kind, java.nio.file.Path file, String tag, String range, String name) {
        long size = file.toFile().length();
        Optional<ByteRange> part;
        try {
            part = ByteRange.parse(range, size);
        } catch (ByteRange.NotSatisfiable e) {
            return Response.status(416)
                    .header("Content-Range", "bytes */" + size)
                    .header("ETag", tag)
                    .build();
        }
        // The whole is a part as well: given a plain file, the framework would look at Range itself, but not at
        // If-Range.
        ByteRange sent = part.orElse(new ByteRange(0, size));
        Response.ResponseBuilder answer = Response.status(part.isPresent() ? 206 : 200)
                .entity(new PathPart(file, sent.first(), sent.length()))
                .header("Content-Length", sent.length());
        part.ifPresent(known -> answer.header("Content-Range", known.contentRange(size)));
        if (kind != Kind.LOG) {
            answer.header("Content-Disposition", "attachment; filename=\"" + name + "\"");
        }
        return answer.header("Content-Type", kind == Kind.LOG ? "text/plain; charset=utf-8" : "application/gzip")
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
