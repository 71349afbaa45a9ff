package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.coordinator.decision.PackageStanding;
import io.kmodfleet.coordinator.fleet.FleetView.Items;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What packages are to the fleet, many at once: for the store, which keeps them. */
@Path("/api/v1/package-standings")
@Produces(MediaType.APPLICATION_JSON)
@Consumes(MediaType.APPLICATION_JSON)
class StandingResource {

    private static final int MOST = 1000;

    private final CoordinatorLoop loop;

    StandingResource(CoordinatorLoop loop) {
        this.loop = loop;
    }

    public record Asked(Digest digest, String module, BuildTarget target) {}

    public record Question(List<Asked> packages) {}

    public record Standing(Digest digest, String state, Optional<String> why, int builders, int hosts, int kernels) {
        static Standing of(PackageStanding standing) {
            return new Standing(
                    standing.digest(),
                    standing.state().name().toLowerCase(Locale.ROOT),
                    standing.why(),
                    standing.builders(),
                    standing.hosts(),
                    standing.kernels());
        }
    }

    /** In the order of the question. */
    @POST
    public Items<Standing> standings(Question question) {
        if (question == null
                || question.packages() == null
                || question.packages().size() > MOST) {
            throw new Problem(400, "Not a question", "Expected 'packages' with at most " + MOST + " of them");
        }
        List<PackageStanding.Asked> asked = question.packages().stream()
                .map(one -> new PackageStanding.Asked(one.digest(), one.module(), one.target()))
                .toList();
        return new Items<>(PackageStanding.of(loop.state(), asked).stream()
                .map(Standing::of)
                .toList());
    }
}
