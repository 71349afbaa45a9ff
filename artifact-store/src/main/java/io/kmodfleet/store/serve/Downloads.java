package io.kmodfleet.store.serve;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.store.blob.BlobStore.Blob;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.Catalogue.Kind;
import io.kmodfleet.store.catalogue.Catalogue.Offer;
import io.kmodfleet.store.catalogue.Changes;
import io.kmodfleet.store.catalogue.Refusals;
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
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
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
    private static final int REMEMBERED = 10_000;
    private static final Duration WHILE = Duration.ofSeconds(1);
    private static final String FOR_EVER = "public, max-age=31536000, immutable";

    private final Storage storage;
    private final Catalogue catalogue;
    private final Refusals refusals;
    private final Changes changes;
    private final Vertx vertx;

    /** A thousand hosts ask for the same file in the same moment: the catalogue and the storage are asked once a second. */
    private final Cache<Wanted, Known> known = Caffeine.newBuilder()
            .expireAfterWrite(WHILE)
            .maximumSize(REMEMBERED)
            .build();

    Downloads(Storage storage, Catalogue catalogue, Refusals refusals, Changes changes, Vertx vertx) {
        this.storage = storage;
        this.catalogue = catalogue;
        this.refusals = refusals;
        this.changes = changes;
        this.vertx = vertx;
    }

    void routes(@Observes Router router) {
        for (Kind kind : Kind.values()) {
            route(router, "/api/v1/" + kind.word() + "s/:hex", digest -> find(kind, digest));
        }
        route(router, "/api/v1/refusals/:hex/file", this::findRefused);
    }

    private void route(Router router, String path, Function<Digest, Uni<Found>> finder) {
        router.route(path).method(HttpMethod.GET).method(HttpMethod.HEAD).handler(context -> serve(context, finder));
    }

    /** @param name under which it is saved; absent for what is to be looked at */
    private record Found(Digest digest, Blob blob, Optional<String> name, String mediaType, String caching) {}

    private record Wanted(Kind kind, Digest digest) {}

    /** @param changes how often something had changed when it was looked up */
    private record Known(Found found, long changes) {}

    private void serve(RoutingContext context, Function<Digest, Uni<Found>> finder) {
        Digest digest;
        try {
            digest = new Digest(context.pathParam("hex"));
        } catch (IllegalArgumentException e) {
            fail(context, new Problem(400, "Not a digest", e.getMessage()));
            return;
        }
        finder.apply(digest)
                .invoke(found -> answer(found, context))
                .subscribe()
                .with(done -> {}, failure -> fail(context, failure));
    }

    private Uni<Found> find(Kind kind, Digest digest) {
        Wanted wanted = new Wanted(kind, digest);
        long now = changes.count();
        Known before = known.getIfPresent(wanted);
        return before != null && before.changes() == now
                ? Uni.createFrom().item(before.found())
                : lookUp(kind, digest).invoke(found -> known.put(wanted, new Known(found, now)));
    }

    /** Only what the catalogue knows as that kind: a log that was taken unread is never served as a package. */
    private Uni<Found> lookUp(Kind kind, Digest digest) {
        return catalogue
                .offer(kind, digest)
                .map(offer -> allowed(kind, digest, offer.orElseThrow(() -> missing(kind, digest))))
                .chain(offer -> blocking(() -> storage.kept().find(digest))
                        .map(blob -> blob.orElseThrow(() -> damaged(digest)))
                        .map(blob -> kind == Kind.LOG
                                ? new Found(digest, blob, Optional.empty(), "text/plain; charset=utf-8", FOR_EVER)
                                : new Found(
                                        digest, blob, Optional.of(offer.fileName()), "application/gzip", FOR_EVER)));
    }

    /** For whoever inspects it: bytes without a meaning, under a name that no program takes for its own. */
    private Uni<Found> findRefused(Digest digest) {
        return refusals.last(digest)
                .chain(last -> last.isEmpty()
                        ? Uni.createFrom().item(Optional.<Blob>empty())
                        : blocking(() -> storage.refused().find(digest)))
                .map(blob -> blob.orElseThrow(() -> new Problem(
                        404,
                        "No such file",
                        "Expected refused bytes that are still here, but there are none of " + digest
                                + ". They are kept for a while only; 'kmodfleet refusals' lists them")))
                .map(blob -> new Found(
                        digest,
                        blob,
                        Optional.of(digest.brief() + ".refused"),
                        "application/octet-stream",
                        "no-store"));
    }

    private static Offer allowed(Kind kind, Digest digest, Offer offer) {
        if (offer.recalled().isPresent()) {
            throw new Problem(
                    410,
                    "Recalled",
                    "Expected a " + kind.word() + " that hosts may have, but " + digest + " was recalled: "
                            + offer.recalled().get());
        }
        if (offer.damaged()) {
            throw damaged(digest);
        }
        return offer;
    }

    private static Problem damaged(Digest digest) {
        return Problem.passing(
                503,
                "Damaged",
                Duration.ofMinutes(1),
                "Expected the bytes of " + digest
                        + ", but the storage has lost or changed them. Uploading the same bytes again heals it");
    }

    private static Problem missing(Kind kind, Digest digest) {
        return new Problem(
                404, "No such file", "Expected a stored " + kind.word() + ", but there is none of " + digest);
    }

    private void answer(Found found, RoutingContext context) {
        HttpServerRequest request = context.request();
        HttpServerResponse response = context.response();
        Conditions conditions = Conditions.of(request);
        String tag = "\"" + found.digest().hex() + "\"";
        long size = found.blob().size();
        response.putHeader("ETag", tag)
                .putHeader("Accept-Ranges", "bytes")
                .putHeader("Cache-Control", found.caching())
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
        found.name()
                .ifPresent(name -> response.putHeader("Content-Disposition", "attachment; filename=\"" + name + "\""));
        response.putHeader("Content-Type", found.mediaType()).putHeader("Content-Length", Long.toString(sent.length()));
        if (request.method() == HttpMethod.HEAD) {
            response.end();
        } else {
            send(context, found.blob(), sent, found.digest());
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

    static void fail(RoutingContext context, Throwable failure) {
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
}
