package io.kmodfleet.store.limits;

import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.problem.Problem;
import io.kmodfleet.store.problem.Problems;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Optional;

/** Before anything is read of a request: whether its client asked for too much already. */
@ApplicationScoped
class LimitFilter {

    private static final int BEFORE_EVERYTHING = 1000;

    private final ClientLimits requests;
    private final ClientLimits uploads;

    LimitFilter(StoreConfig config) {
        this.requests = new ClientLimits(config.limits().requests());
        this.uploads = new ClientLimits(config.limits().uploads());
    }

    void register(@Observes Filters filters) {
        filters.register(this::filter, BEFORE_EVERYTHING);
    }

    private void filter(RoutingContext context) {
        if (!context.request().path().startsWith("/api/")) {
            context.next();
            return;
        }
        String client = context.request().remoteAddress().hostAddress();
        long now = System.nanoTime();
        Optional<Duration> pause = requests.take(client, now);
        if (pause.isEmpty() && context.request().method() == HttpMethod.PUT) {
            pause = uploads.take(client, now);
        }
        if (pause.isEmpty()) {
            context.next();
            return;
        }
        Problem problem = Problem.passing(
                429,
                "Too many requests",
                pause.get(),
                "Expected fewer requests from " + client + ", but it asks for more than its share. Come back later");
        context.response()
                .setStatusCode(problem.status())
                .putHeader(
                        "Retry-After", problem.retryAfterSeconds().orElseThrow().toString())
                .putHeader("Content-Type", Problems.MEDIA_TYPE)
                // What it was about to send is not read.
                .putHeader("Connection", "close")
                .end(Buffer.buffer(FleetJson.writeBytes(problem.body())));
    }
}
