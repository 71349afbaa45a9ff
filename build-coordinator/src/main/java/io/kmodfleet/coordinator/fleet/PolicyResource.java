package io.kmodfleet.coordinator.fleet;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.FleetState.Proposal;
import io.kmodfleet.coordinator.fleet.FleetView.Items;
import io.kmodfleet.coordinator.fleet.FleetView.Version;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Optional;

/** The policy in force, and the way to publish another. */
@Path("/api/v1/policy")
class PolicyResource {

    private static final String YAML = "application/yaml";

    private final Fleet fleet;
    private final CoordinatorLoop loop;
    private final Operator operator;

    PolicyResource(Fleet fleet, CoordinatorLoop loop, Operator operator) {
        this.fleet = fleet;
        this.loop = loop;
        this.operator = operator;
    }

    /**
     * @param position where in the ledger it was published
     * @param inForce whether it is in force, or waits for approval
     * @param approvalsMissing how many people must still approve it
     */
    public record Published(long position, boolean inForce, int approvalsMissing) {}

    /**
     * A policy that waits.
     *
     * @param position where in the ledger it was published
     */
    public record Waiting(long position, String author, List<String> approvers, int approvalsMissing, Policy policy) {}

    public record Approval(long position) {}

    @OfLedger
    @GET
    @Produces({MediaType.APPLICATION_JSON, YAML})
    public Uni<Response> get(@Context HttpHeaders headers) {
        return fleet.policy()
                .map(row -> answer(
                        row,
                        headers,
                        "Expected a published policy, but there is none yet. Run: kmodfleet policy set FILE"));
    }

    /** What was published, the newest first. */
    @OfLedger
    @GET
    @Path("versions")
    @Produces(MediaType.APPLICATION_JSON)
    public Uni<Items<Version>> versions(
            @QueryParam("before") @DefaultValue("9223372036854775807") long before,
            @QueryParam("limit") @DefaultValue("100") int limit) {
        return fleet.policies(before, FleetResource.bounded(limit)).map(Items::new);
    }

    @OfLedger
    @GET
    @Path("versions/{position}")
    @Produces({MediaType.APPLICATION_JSON, YAML})
    public Uni<Response> version(@PathParam("position") long position, @Context HttpHeaders headers) {
        return fleet.policyAt(position)
                .map(row -> answer(
                        row,
                        headers,
                        "Expected the ledger position of a published policy, but none was published at " + position
                                + ". 'kmodfleet policy history' lists them"));
    }

    private static Response answer(Optional<PolicyRow> row, HttpHeaders headers, String whenMissing) {
        PolicyRow known = row.orElseThrow(() -> new Problem(404, "No policy", whenMissing));
        boolean yaml = headers.getAcceptableMediaTypes().stream()
                .findFirst()
                .map(type -> type.isCompatible(MediaType.valueOf(YAML)) && !type.isWildcardType())
                .orElse(false);
        return Response.ok(yaml ? asYaml(known.document) : known.document, yaml ? YAML : MediaType.APPLICATION_JSON)
                .header("Kmodfleet-Position", known.position)
                .header("Kmodfleet-Author", known.author)
                .build();
    }

    /** The form of a policy, for editors. */
    @GET
    @Path("schema")
    @Produces("application/schema+json")
    public String schema() {
        return PolicyDocument.schema();
    }

    /** Whether a document would be taken, without publishing it: 204, or what is wrong with it. */
    @POST
    @Path("check")
    @Consumes({MediaType.APPLICATION_JSON, YAML})
    public void check(String document) {
        PolicyDocument.read(document);
    }

    @PUT
    @Consumes({MediaType.APPLICATION_JSON, YAML})
    @Produces(MediaType.APPLICATION_JSON)
    public Uni<Published> put(String document, @HeaderParam("Kmodfleet-Author") String author) {
        return operator.says(new PolicyPublished(Operator.author(author), PolicyDocument.read(document)))
                .map(this::published);
    }

    /** What was published and waits for approval. */
    @OfLedger
    @GET
    @Path("proposal")
    @Produces(MediaType.APPLICATION_JSON)
    public Waiting proposal() {
        FleetState state = loop.state();
        Proposal waiting = Approvals.waiting(state);
        return new Waiting(
                waiting.publication().position(),
                waiting.publication().author(),
                waiting.approvers(),
                Approvals.missing(state),
                waiting.publication().policy());
    }

    /** Somebody else wants it too; the last one that is needed puts it in force. */
    @POST
    @Path("approve")
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.APPLICATION_JSON)
    public Uni<Published> approve(Approval approval, @HeaderParam("Kmodfleet-Author") String author) {
        if (approval == null) {
            throw new Problem(400, "Position missing", "Expected a body like {\"position\": 17}");
        }
        return operator.says(Approvals.approved(loop.state(), Operator.author(author), approval.position()))
                .map(any -> published(approval.position()));
    }

    private Published published(long position) {
        FleetState state = loop.state();
        boolean waits = state.proposal()
                .map(waiting -> waiting.publication().position() == position)
                .orElse(false);
        return new Published(position, !waits, waits ? Approvals.missing(state) : 0);
    }

    private static String asYaml(String json) {
        try {
            return FleetJson.yaml().writeValueAsString(FleetJson.mapper().readTree(json));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the published policy to be JSON", e);
        }
    }
}
