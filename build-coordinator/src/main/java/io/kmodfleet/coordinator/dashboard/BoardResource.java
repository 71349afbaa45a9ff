package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.board.Board.Count;
import io.kmodfleet.coordinator.board.Board.Cursor;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.board.Moments.Moment;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.board.Tally;
import io.kmodfleet.coordinator.decision.TargetView;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What pages show, as JSON; {@code at} for a moment of the past, with 503 while the ledger is read up to it. */
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
@Blocking
class BoardResource {

    private static final int MOST = 1000;

    private final Looking looking;
    private final LiveBoard live;
    private final Exposure exposure;

    BoardResource(Looking looking, LiveBoard live, Exposure exposure) {
        this.looking = looking;
        this.live = live;
        this.exposure = exposure;
    }

    /** The fleet in figures. */
    record Figures(
            long position,
            int hosts,
            Map<String, Integer> states,
            List<Count> kernels,
            List<Count> systems,
            List<Count> reasons,
            List<Exposure.Held> exposure,
            Tally tally,
            long savedSeconds) {}

    @GET
    @Path("fleet")
    public Figures figures(@BeanParam FleetPages.Asked asked, @QueryParam("at") Optional<String> at) {
        Seen seen = looking.ready(at);
        int[] counts = seen.board().counts(asked.filter());
        Map<String, Integer> states = new LinkedHashMap<>();
        for (Safety safety : Safety.worstFirst()) {
            states.put(safety.code(), counts[safety.ordinal()]);
        }
        Tally tally = seen.isNow() ? live.tally() : Tally.NOTHING;
        return new Figures(
                seen.state().position(),
                seen.board().size(),
                states,
                seen.board().kernels(),
                seen.board().systems(),
                seen.board().reasons(),
                exposure.of(seen),
                tally,
                tally.saved().toSeconds());
    }

    /** Hosts that fit, the worst first. @param next to be given as {@code after}; absent where there are no more */
    record Lines(List<HostLine> items, int matching, Optional<String> next) {}

    @GET
    @Path("fleet/hosts")
    public Lines lines(
            @BeanParam FleetPages.Asked asked,
            @QueryParam("after") Optional<String> after,
            @QueryParam("limit") @DefaultValue("100") int limit,
            @QueryParam("at") Optional<String> at) {
        Seen seen = looking.ready(at);
        Board.Page page =
                seen.board().page(asked.filter(), FleetPages.cursor(after), Math.max(1, Math.min(MOST, limit)));
        return new Lines(
                FleetPages.lines(seen, page.hosts()),
                page.matching(),
                page.next().map(Cursor::toString));
    }

    /** States and kernels over time. */
    record Moments(List<String> states, List<Moment> items) {}

    @GET
    @Path("fleet/history")
    public Moments history() {
        return new Moments(Stream.of(Safety.values()).map(Safety::code).toList(), live.moments());
    }

    record Targets(List<TargetView> items) {}

    /** Every build target, with its builds and packages. */
    @GET
    @Path("targets")
    public Targets targets(@QueryParam("at") Optional<String> at) {
        return new Targets(TargetView.all(looking.ready(at).state()));
    }
}
