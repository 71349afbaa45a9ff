package io.kmodfleet.coordinator.fleet;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.CoordinatorConfig;
import io.kmodfleet.coordinator.decision.FleetState.Taken;
import io.kmodfleet.coordinator.dispatch.Dispatcher;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Clock;

/** The policy in force, and the way to publish another. */
@Path("/api/v1/policy")
@jakarta.inject.Singleton
class PolicyResource {

    private static final String YAML = "application/yaml";

    private final Fleet fleet;
    private final CoordinatorLoop loop;
    private final Dispatcher dispatcher;
    private final CoordinatorConfig config;
    private final Clock clock = Clock.systemUTC();
    private long epoch;
    private long sequence;

    PolicyResource(Fleet fleet, CoordinatorLoop loop, Dispatcher dispatcher, CoordinatorConfig config) {
        this.fleet = fleet;
        this.loop = loop;
        this.dispatcher = dispatcher;
        this.config = config;
    }

    /** Where in the ledger it was published. */
    public record Published(long position) {}

    @GET
    @Produces({MediaType.APPLICATION_JSON, YAML})
    public Uni<Response> get(@Context HttpHeaders headers) {
        boolean yaml = headers.getAcceptableMediaTypes().stream()
                .findFirst()
                .map(type -> type.isCompatible(MediaType.valueOf(YAML)) && !type.isWildcardType())
                .orElse(false);
        return fleet.policy().map(row -> {
            PolicyRow known = row.orElseThrow(() -> new Problem(
                    404,
                    "No policy",
                    "Expected a published policy, but there is none yet. Run: kmodfleet policy set FILE"));
            return Response.ok(yaml ? asYaml(known.document) : known.document, yaml ? YAML : MediaType.APPLICATION_JSON)
                    .header("Kmodfleet-Position", known.position)
                    .header("Kmodfleet-Author", known.author)
                    .build();
        });
    }

    @PUT
    @Consumes({MediaType.APPLICATION_JSON, YAML})
    @Produces(MediaType.APPLICATION_JSON)
    public Uni<Published> put(String document, @HeaderParam("Kmodfleet-Author") String author) {
        Envelope envelope = numbered(new PolicyPublished(authorOf(author), parse(document)));
        Uni<Long> taken = Uni.createFrom().completionStage(loop.whenTaken(envelope));
        return dispatcher
                .observe(CloudEvents.write(envelope))
                .chain(() -> taken)
                .ifNoItem()
                .after(config.publishTimeout())
                .fail()
                .onFailure(TimeoutException.class)
                .transform(late -> new Problem(
                        504,
                        "Not yet in the ledger",
                        "Expected the policy in the ledger within "
                                + config.publishTimeout().toSeconds()
                                + " s, but it is not there yet. It may still take effect: run 'kmodfleet policy get'"))
                .onTermination()
                .invoke(() -> loop.forget(envelope))
                .map(Published::new);
    }

    /** Counts on from the ledger, so that a restart never reuses a number. */
    private synchronized Envelope numbered(PolicyPublished published) {
        if (epoch == 0) {
            long last = loop.state().lastOf(Envelope.OPERATOR).map(Taken::epoch).orElse(0L);
            epoch = Math.max(clock.millis(), last + 1);
        }
        sequence++;
        return new Envelope(Envelope.OPERATOR, epoch, sequence, clock.instant(), published);
    }

    private static String authorOf(String header) {
        if (header == null || header.isBlank()) {
            throw new Problem(
                    400,
                    "Author missing",
                    "Expected the header Kmodfleet-Author, but there is none. Say who publishes this");
        }
        return header;
    }

    private static Policy parse(String document) {
        try {
            Policy policy = FleetJson.yaml().readValue(document, Policy.class);
            if (policy == null) {
                throw new Problem(400, "Not a policy", "Expected a policy as YAML or JSON, but the body is empty");
            }
            return policy;
        } catch (JsonProcessingException e) {
            String where =
                    e.getLocation() == null ? "" : "line " + e.getLocation().getLineNr() + ": ";
            Throwable cause = e.getCause() instanceof IllegalArgumentException ? e.getCause() : e;
            String what = cause == e ? e.getOriginalMessage() : cause.getMessage();
            throw new Problem(400, "Not a policy", where + what);
        }
    }

    private static String asYaml(String json) {
        try {
            return FleetJson.yaml().writeValueAsString(FleetJson.mapper().readTree(json));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the published policy to be JSON", e);
        }
    }
}
