package io.kmodfleet.store.serve;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.store.blob.BlobStore.Blob;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.Catalogue.Kind;
import io.kmodfleet.store.problem.Problem;
import io.kmodfleet.store.problem.Problems;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.InputStream;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jboss.logging.Logger;

/**
 * Files by their digest. They never change: whoever has one has it for ever, and a download that broke off goes on at any store, at
 * any time. What lies in a file is sent by the kernel; what lies elsewhere goes through in chunks, the next one read when the last
 * one is on its way, so that a transfer takes one chunk of memory and no thread, whatever its size and however slow its reader.
 */
@ApplicationScoped
class Downloads {

    private static final Logger LOG = Logger.getLogger(Downloads.class);
    private static final int CHUNK = 128 * 1024;

    private final Storage storage;
    private final Catalogue catalogue;
    private final Vertx vertx;

    Downloads(Storage storage, Catalogue catalogue, Vertx vertx) {
        this.storage = storage;
        this.catalogue = catalogue;
        this.vertx = vertx;
    }

    void routes(@Observes Router router) {
        for (Kind kind : Kind.values()) {
            router.route("/api/v1/" + kind.word() + "s/:hex")
                    .method(HttpMethod.GET)
                    .method(HttpMethod.HEAD)
                    .handler(context -> serve(kind, context));
        }
    }

    private record Found(Blob blob, String name) {}

    private void serve(Kind kind, RoutingContext context) {
        Digest digest;
        try {
            digest = new Digest(context.pathParam("hex"));
        } catch (IllegalArgumentException e) {
            fail(context, new Problem(400, "Not a digest", e.getMessage()));
            return;
        }
        find(kind, digest)
                .chain(found -> {
                    answer(kind, digest, found, context);
                    return Uni.createFrom().voidItem();
                })
                .subscribe()
                .with(done -> {}, failure -> fail(context, failure));
    }

    /** Only what the catalogue knows as that kind: a log that was taken unread is never served as a package. */
    private Uni<Found> find(Kind kind, Digest digest) {
        return catalogue
                .fileName(kind, digest)
                .map(name -> name.orElseThrow(() -> missing(kind, digest)))
                .chain(name -> blocking(() -> storage.kept().find(digest))
                        .map(blob -> new Found(blob.orElseThrow(() -> missing(kind, digest)), name)));
    }

    private static Problem missing(Kind kind, Digest digest) {
        return new Problem(
                404, "No such file", "Expected a stored " + kind.word() + ", but there is none of " + digest);
    }

    private void answer(Kind kind, Digest digest, Found found, RoutingContext context) {
        HttpServerRequest request = context.request();
        HttpServerResponse response = context.response();
        Conditions conditions = Conditions.of(request);
        String tag = "\"" + digest.hex() + "\"";
        long size = found.blob().size();
        response.putHeader("ETag", tag)
                .putHeader("Accept-Ranges", "bytes")
                .putHeader("Cache-Control", "public, max-age=31536000, immutable")
                .putHeader("X-Content-Type-Options", "nosniff");
        if (conditions.has(tag)) {
            response.setStatusCode(304).end();
            return;
        }
        Optional<ByteRange> part;
        try {
            part = ByteRange.parse(conditions.rangeOf(tag), size);
        } catch (ByteRange.NotSatisfiable e) {
            response.setStatusCode(416)
                    .putHeader("Content-Range", "bytes */" + size)
                    .end();
            return;
        }
        ByteRange sent = part.orElse(new ByteRange(0, size));
        part.ifPresent(known -> response.setStatusCode(206).putHeader("Content-Range", known.contentRange(size)));
        if (kind != Kind.LOG) {
            response.putHeader("Content-Disposition", "attachment; filename=\"" + found.name() + "\"");
        }
        response.putHeader("Content-Type", kind == Kind.LOG ? "text/plain; charset=utf-8" : "application/gzip")
                .putHeader("Content-Length", Long.toString(sent.length()));
        if (request.method() == HttpMethod.HEAD) {
            response.end();
        } else {
            send(context, found.blob(), sent, digest);
        }
    }

    private void send(RoutingContext context, Blob blob, ByteRange part, Digest digest) {
        HttpServerResponse response = context.response();
        Optional<java.nio.file.Path> file = blob.file();
        if (file.isPresent()) {
            response.sendFile(file.get().toString(), part.first(), part.length())
                    .onFailure(e -> brokenOff(response, digest, e));
            return;
        }
        blocking(() -> blob.read(part.first(), part.length()))
                .subscribe()
                .with(in -> pump(in, response, digest), failure -> fail(context, failure));
    }

    private void pump(InputStream in, HttpServerResponse response, Digest digest) {
        vertx.executeBlocking(() -> in.readNBytes(CHUNK), false).onComplete(read -> {
            if (read.failed()) {
                close(in);
                brokenOff(response, digest, read.cause());
            } else if (read.result().length == 0) {
                close(in);
                response.end();
            } else {
                response.write(Buffer.buffer(read.result())).onComplete(written -> {
                    if (written.succeeded()) {
                        pump(in, response, digest);
                    } else {
                        close(in);
                    }
                });
            }
        });
    }

    private void close(InputStream in) {
        vertx.executeBlocking(
                () -> {
                    in.close();
                    return null;
                },
                false);
    }

    /** Whoever reads sees that it is not whole, by its length, and comes back for the rest. */
    private static void brokenOff(HttpServerResponse response, Digest digest, Throwable why) {
        if (!response.closed()) {
            LOG.warnf("download broken off package=%s error=%s", digest, why);
            response.reset();
        }
    }

    private <T> Uni<T> blocking(Callable<T> work) {
        return Uni.createFrom()
                .completionStage(() -> vertx.executeBlocking(work, false).toCompletionStage());
    }

    private static void fail(RoutingContext context, Throwable failure) {
        HttpServerResponse response = context.response();
        if (response.headWritten()) {
            response.reset();
            return;
        }
        Problem problem = Problems.of(failure);
        for (String header :
                new String[] {"ETag", "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Range"}) {
            response.headers().remove(header);
        }
        problem.retryAfterSeconds().ifPresent(seconds -> response.putHeader("Retry-After", seconds.toString()));
        byte[] body = FleetJson.writeBytes(problem.body());
        response.setStatusCode(problem.status())
                .putHeader("Content-Type", Problems.MEDIA_TYPE)
                .putHeader("Content-Length", Integer.toString(body.length))
                .end(Buffer.buffer(body));
    }

    /** What a client has already, and what it wants of the rest (RFC 9110, sections 13 and 14). */
    private record Conditions(String range, String ifRange, String ifNoneMatch) {

        static Conditions of(HttpServerRequest request) {
            return new Conditions(
                    request.getHeader("Range"), request.getHeader("If-Range"), request.getHeader("If-None-Match"));
        }

        boolean has(String tag) {
            return ifNoneMatch != null
                    && (ifNoneMatch.contains(tag) || ifNoneMatch.strip().equals("*"));
        }

        String rangeOf(String tag) {
            return ifRange == null || ifRange.strip().equals(tag) ? range : null;
        }
    }
}
