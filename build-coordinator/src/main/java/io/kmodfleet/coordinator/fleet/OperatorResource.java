package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.Observation.HostHeld;
import io.kmodfleet.contracts.Observation.HostReleased;
import io.kmodfleet.contracts.Observation.PackageRecalled;
import io.kmodfleet.contracts.Observation.RetryRequested;
import io.kmodfleet.contracts.Observation.RiskAccepted;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Preflight;
import io.kmodfleet.coordinator.fleet.FleetView.Bearer;
import io.kmodfleet.coordinator.fleet.FleetView.Items;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What an operator does, and what he looks at before. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
@Consumes(MediaType.APPLICATION_JSON)
class OperatorResource {

    private static final Pattern DIGITS = Pattern.compile("[0-9a-f]{8,64}");

    private final Fleet fleet;
    private final CoordinatorLoop loop;
    private final Operator operator;

    OperatorResource(Fleet fleet, CoordinatorLoop loop, Operator operator) {
        this.fleet = fleet;
        this.loop = loop;
        this.operator = operator;
    }

    /** @param why one line, for everybody who reads it later */
    public record Recall(String why) {}

    /** @param hosts that had it when it was recalled */
    public record Recalled(long position, List<Bearer> hosts) {}

    public record Asked(long position) {}

    /** @param why one line, for everybody who reads it later */
    public record Hold(String why) {}

    /** Every host that has a module of the package, be it for a kernel that does not run now. */
    @OfLedger
    @GET
    @Path("packages/{digest}/hosts")
    public Items<Bearer> hostsWith(
            @PathParam("digest") String digest,
            @QueryParam("after") @DefaultValue("") String after,
            @QueryParam("limit") @DefaultValue("1000") int limit) {
        List<Bearer> left = bearers(packageMeantBy(digest)).stream()
                .filter(bearer -> bearer.host().compareTo(after) > 0)
                .toList();
        int most = FleetResource.bounded(limit);
        List<Bearer> first = left.subList(0, Math.min(most, left.size()));
        return new Items<>(
                first,
                first.size() < left.size()
                        ? Optional.of(first.get(first.size() - 1).host())
                        : Optional.empty());
    }

    @POST
    @Path("packages/{digest}/recall")
    public Uni<Recalled> recall(
            @PathParam("digest") String digest, @HeaderParam("Kmodfleet-Author") String author, Recall recall) {
        Meant meant = packageMeantBy(digest);
        if (recall == null || recall.why() == null || recall.why().isBlank()) {
            throw new Problem(
                    400, "Reason missing", "Expected 'why' in the body: whoever reads it later wants to know");
        }
        PackageRecalled recalled;
        try {
            recalled = new PackageRecalled(Operator.author(author), meant.target(), meant.digest(), recall.why());
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a recall", e.getMessage());
        }
        List<Bearer> hosts = bearers(meant);
        return operator.says(recalled).map(position -> new Recalled(position, hosts));
    }

    /** Everything that failed on a host, or that it was refused because of failures elsewhere, is tried again. */
    @POST
    @Path("hosts/{host}/retry")
    @Consumes(MediaType.WILDCARD)
    public Uni<Asked> retry(@PathParam("host") String name, @HeaderParam("Kmodfleet-Author") String author) {
        String who = Operator.author(author);
        return fleet.hostMeantBy(name)
                .chain(host ->
                        operator.says(new RetryRequested(who, Optional.of(new HostId(host.host())), Optional.empty())))
                .map(Asked::new);
    }

    /** The host is left as it is until somebody releases it. */
    @POST
    @Path("hosts/{host}/hold")
    public Uni<Asked> hold(@PathParam("host") String name, @HeaderParam("Kmodfleet-Author") String author, Hold hold) {
        String who = Operator.author(author);
        String why = why(hold);
        return fleet.hostMeantBy(name)
                .chain(host -> operator.says(held(who, new HostId(host.host()), why)))
                .map(Asked::new);
    }

    @POST
    @Path("hosts/{host}/release")
    @Consumes(MediaType.WILDCARD)
    public Uni<Asked> release(@PathParam("host") String name, @HeaderParam("Kmodfleet-Author") String author) {
        String who = Operator.author(author);
        return fleet.hostMeantBy(name)
                .invoke(host -> {
                    if (loop.state().held(new HostId(host.host())).isEmpty()) {
                        throw new Problem(
                                409, "Not held", "Expected a host that is held, but nobody holds " + host.hostname());
                    }
                })
                .chain(host -> operator.says(new HostReleased(who, new HostId(host.host()))))
                .map(Asked::new);
    }

    /** Somebody lives with what holds the host back now; a later answer is not accepted. */
    @POST
    @Path("hosts/{host}/accept")
    public Uni<Asked> accept(
            @PathParam("host") String name, @HeaderParam("Kmodfleet-Author") String author, Hold risk) {
        String who = Operator.author(author);
        String why = why(risk);
        return fleet.hostMeantBy(name)
                .chain(host -> operator.says(accepted(who, new HostId(host.host()), why)))
                .map(Asked::new);
    }

    private static String why(Hold said) {
        if (said == null || said.why() == null || said.why().isBlank()) {
            throw new Problem(
                    400, "Reason missing", "Expected 'why' in the body: whoever reads it later wants to know");
        }
        return said.why();
    }

    /** @throws Problem 409 where nothing holds it back */
    private RiskAccepted accepted(String author, HostId host, String why) {
        Risks.require(loop.state(), host);
        try {
            return new RiskAccepted(author, host, why);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a reason", e.getMessage());
        }
    }

    private static HostHeld held(String author, HostId host, String why) {
        try {
            return new HostHeld(author, host, why);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a reason", e.getMessage());
        }
    }

    /** What would happen if every host got that kernel. */
    @OfLedger
    @GET
    @Path("preflight")
    public Preflight preflight(
            @QueryParam("release") String release,
            @QueryParam("arch") @DefaultValue("x86_64") String arch,
            @QueryParam("image") Optional<String> image) {
        try {
            Optional<Digest> meant = image.map(OperatorResource::digest);
            return Preflight.of(
                    loop.state(),
                    new KernelIdentity(arch, release, Optional.empty(), meant, Optional.empty(), Optional.empty()));
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a kernel", e.getMessage());
        }
    }

    private record Meant(Digest digest, BuildTarget target) {}

    private List<Bearer> bearers(Meant meant) {
        FleetState state = loop.state();
        return state.hostsWithPackage(meant.target(), meant.digest()).stream()
                .map(host -> new Bearer(
                        host.value(),
                        state.report(host).map(HostReport::hostname).orElse(""),
                        state.runs(host, meant.target(), meant.digest())))
                .toList();
    }

    /** By its whole digest, or by as many of its first digits as no other package begins with. */
    private Meant packageMeantBy(String text) {
        String digits = text.startsWith("sha256:") ? text.substring("sha256:".length()) : text;
        if (!DIGITS.matcher(digits).matches()) {
            throw new Problem(
                    400,
                    "Not a digest",
                    "Expected 8 to 64 lower-case hexadecimal digits of a package, but got '" + text + "'");
        }
        Map<Digest, BuildTarget> found = loop.state().packagesBeginning(digits);
        if (found.isEmpty()) {
            throw new Problem(
                    404,
                    "No such package",
                    "Expected the digest of a package that the ledger knows, but it knows none that begins with "
                            + digits + ". 'kmodfleet packages' lists them");
        }
        if (found.size() > 1) {
            throw new Problem(
                    409,
                    "Several packages",
                    "Expected one package, but " + found.size() + " begin with " + digits + ": "
                            + found.keySet().stream()
                                    .limit(5)
                                    .map(Digest::toString)
                                    .collect(Collectors.joining(", "))
                            + ". Give more digits");
        }
        Map.Entry<Digest, BuildTarget> only = found.entrySet().iterator().next();
        return new Meant(only.getKey(), only.getValue());
    }

    private static Digest digest(String text) {
        try {
            return Digest.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
    }
}
