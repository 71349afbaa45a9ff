package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.board.Board.Count;
import io.kmodfleet.coordinator.board.Board.Cursor;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.board.Moments.Moment;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.board.Tally;
import io.kmodfleet.coordinator.decision.TargetView;
import io.kmodfleet.coordinator.fleet.OfLedger;
import io.kmodfleet.coordinator.fleet.Problem;
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
    private static final int LONGEST = 5;

    private final Looking looking;
    private final LiveBoard live;
    private final Exposure exposure;

    BoardResource(Looking looking, LiveBoard live, Exposure exposure) {
        this.looking = looking;
        this.live = live;
        this.exposure = exposure;
    }

    /** The fleet in figures. @param longest those that have been held back longest, the first of them first */
    record Figures(
            long position,
            int hosts,
            Map<String, Integer> states,
            List<Count> kernels,
            List<Count> systems,
            List<Count> reasons,
            List<Exposure.Held> exposure,
            List<HostLine> longest,
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
                FleetPages.lines(seen, seen.board().heldLongest(LONGEST)),
                tally,
                tally.saved().toSeconds());
    }

    /** Hosts that fit, the worst first. @param next to be given as {@code after}; absent where there are no more */
    record Lines(List<HostLine> items, int matching, Optional<String> next) {}

    @OfLedger
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

    /** @param next to be given as {@code after}; absent where there are no more */
    record Targets(List<TargetView> items, Optional<String> next) {}

    /** Every build target by its release, with its builds and packages. */
    @OfLedger
    @GET
    @Path("targets")
    public Targets targets(
            @QueryParam("after") Optional<String> after,
            @QueryParam("limit") @DefaultValue("100") int limit,
            @QueryParam("at") Optional<String> at) {
        int most = Math.max(1, Math.min(MOST, limit));
        List<TargetView> found = TargetView.after(
                looking.ready(at).state(), after.filter(text -> !text.isBlank()).map(BoardResource::place), most + 1);
        List<TargetView> first = found.subList(0, Math.min(most, found.size()));
        return new Targets(
                first,
                found.size() > most
                        ? Optional.of(TargetPages.pathOf(first.get(most - 1).target()))
                        : Optional.empty());
    }

    private static BuildTarget place(String after) {
        String[] parts = after.split("/", -1);
        if (parts.length != 4) {
            throw new Problem(
                    400, "Not a cursor", "Expected 'after' as 'next' of an answer had it, but got '" + after + "'");
        }
        return TargetPages.target(parts[0], parts[1], parts[2], parts[3]);
    }
}
