package io.kmodfleet.store.serve;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.Changes;
import io.kmodfleet.store.catalogue.Divergences;
import io.kmodfleet.store.catalogue.Inventory;
import io.kmodfleet.store.catalogue.PackageQuery;
import io.kmodfleet.store.catalogue.PackageQuery.Place;
import io.kmodfleet.store.catalogue.PackageSearch;
import io.kmodfleet.store.catalogue.Refusals;
import io.kmodfleet.store.catalogue.State;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Function;

/**
 * What there is. A list is made once and told to everybody who asks for the same within a second; what this very store changed is
 * in the next answer, what another one changed in that of a second later. Whoever has it already is told only that.
 */
@ApplicationScoped
class Lists {

    private static final int USUAL = 100;
    private static final int MOST = 1000;
    private static final Duration WHILE = Duration.ofSeconds(1);
    private static final long REMEMBERED_BYTES = 16 * 1024 * 1024;

    private final Catalogue catalogue;
    private final PackageSearch search;
    private final Refusals refusals;
    private final Inventory inventory;
    private final Divergences divergences;
    private final Changes changes;

    /** One question to the catalogue, however many ask it at once; one that failed is not remembered. */
    private final AsyncCache<Wanted, Made> made = Caffeine.newBuilder()
            .expireAfterWrite(WHILE)
            .maximumWeight(REMEMBERED_BYTES)
            .weigher((Wanted wanted, Made list) ->
                    wanted.address().length() + list.body().length())
            .buildAsync();

    Lists(
            Catalogue catalogue,
            PackageSearch search,
            Refusals refusals,
            Inventory inventory,
            Divergences divergences,
            Changes changes) {
        this.catalogue = catalogue;
        this.search = search;
        this.refusals = refusals;
        this.inventory = inventory;
        this.divergences = divergences;
        this.changes = changes;
    }

    /** @param changes how often something had changed when it was asked for: what was made before is another list */
    private record Wanted(String address, long changes) {}

    private record Made(Buffer body, String tag) {

        static Made of(Object list) {
            byte[] body = FleetJson.writeBytes(list);
            return new Made(Buffer.buffer(body), "\"" + Digest.of(body).hex().substring(0, 32) + "\"");
        }
    }

    void routes(@Observes Router router) {
        route(router, "sources", asked -> catalogue.sources(asked.limit(), asked.place()));
        route(router, "packages", this::packages);
        route(router, "refusals", asked -> refusals.list(asked.text("rule"), asked.before(), asked.limit())
                .map(Items::new));
        // What is not served because the storage has lost or changed it.
        route(router, "damaged", asked -> inventory.damaged(asked.limit()).map(Items::new));
        // Builds of one target that disagree, and in what.
        route(router, "divergences", asked -> divergences.list(asked.limit()).map(Items::new));
    }

    private Uni<?> packages(Asked asked) {
        return search.find(new PackageQuery(
                asked.text("module"),
                asked.text("version"),
                asked.text("release"),
                asked.text("builder"),
                asked.text("state").map(State::of),
                asked.text("text"),
                asked.place(),
                asked.limit()));
    }

    private void route(Router router, String name, Function<Asked, Uni<?>> list) {
        router.route("/api/v1/" + name)
                .method(HttpMethod.GET)
                .method(HttpMethod.HEAD)
                .handler(context -> serve(context, list));
    }

    private void serve(RoutingContext context, Function<Asked, Uni<?>> list) {
        Wanted wanted = new Wanted(context.request().uri(), changes.count());
        made.get(wanted, (key, executor) -> made(context, list).subscribeAsCompletionStage())
                .whenComplete((found, failure) -> {
                    if (failure == null) {
                        answer(context, found);
                    } else {
                        Downloads.fail(context, failure instanceof CompletionException ? failure.getCause() : failure);
                    }
                });
    }

    private static Uni<Made> made(RoutingContext context, Function<Asked, Uni<?>> list) {
        try {
            return list.apply(new Asked(context)).map(Made::of);
        } catch (IllegalArgumentException e) {
            return Uni.createFrom().failure(new Problem(400, "Not a query", e.getMessage()));
        }
    }

    private static void answer(RoutingContext context, Made list) {
        HttpServerResponse response = context.response();
        response.putHeader("ETag", list.tag()).putHeader("Cache-Control", "no-cache");
        if (Conditions.of(context.request()).has(list.tag())) {
            response.setStatusCode(304).end();
            return;
        }
        response.putHeader("Content-Type", "application/json;charset=UTF-8")
                .putHeader("Content-Length", Integer.toString(list.body().length()));
        if (context.request().method() == HttpMethod.HEAD) {
            response.end();
        } else {
            response.end(list.body());
        }
    }

    /** What stands behind the question mark. */
    private record Asked(RoutingContext context) {

        Optional<String> text(String name) {
            List<String> values = context.queryParam(name);
            return values.isEmpty() ? Optional.empty() : Optional.of(values.get(0));
        }

        /** The last one that was seen of what goes by time. */
        Optional<Place> place() {
            return text("after").map(Place::parse);
        }

        /** The last one that was seen of what is numbered. */
        long before() {
            return text("before").map(given -> number("before", given)).orElse(Long.MAX_VALUE);
        }

        int limit() {
            long given = text("limit").map(text -> number("limit", text)).orElse((long) USUAL);
            return (int) Math.max(1, Math.min(MOST, given));
        }

        private static long number(String name, String text) {
            try {
                return Long.parseLong(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("Expected '" + name + "' to be a number, but got '" + text + "'", e);
            }
        }
    }
}
