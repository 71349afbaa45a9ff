package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.decision.FleetState.Accepted;
import io.kmodfleet.coordinator.decision.FleetState.Held;
import io.kmodfleet.coordinator.decision.RebootSafety;
import io.kmodfleet.coordinator.decision.Trail;
import io.kmodfleet.coordinator.heartbeat.Heartbeats;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** One host: what it has, what it was told and why, and how that came. */
@Path("/hosts")
@Blocking
class HostPages {

    private static final int EVENTS = 50;

    private final Looking looking;
    private final Pages pages;
    private final Ledgers ledgers;
    private final Heartbeats heartbeats;

    HostPages(Looking looking, Pages pages, Ledgers ledgers, Heartbeats heartbeats) {
        this.looking = looking;
        this.pages = pages;
        this.ledgers = ledgers;
        this.heartbeats = heartbeats;
    }

    /** A kernel, and of each module what is there and what was answered. */
    record KernelRow(KernelState kernel, List<Cell> modules) {}

    /** @param answer absent where no such module is wanted there */
    record Cell(String module, Optional<InstalledModule> installed, Optional<Answer> answer) {}

    record Answer(
            Decision decision,
            String kind,
            Explanation explanation,
            Optional<Instant> at,
            List<Check> missing,
            List<Trail.Applied> rules) {}

    record Shown(
            HostId id,
            HostReport report,
            Safety safety,
            Optional<HostLine.Silence> silence,
            Optional<Heartbeats.LastWord> lastWord,
            RebootSafety reboot,
            Optional<Held> held,
            Optional<Accepted> accepted,
            List<KernelRow> kernels,
            List<Check> missing,
            List<Answer> underWay,
            List<Ledgers.Event> events,
            Optional<Long> older) {}

    @GET
    @Path("{host}")
    @Produces(MediaType.TEXT_HTML)
    public Response host(
            @PathParam("host") String id,
            @QueryParam("before") @DefaultValue("9223372036854775807") long before,
            @QueryParam("at") Optional<String> at,
            @QueryParam("done") Optional<Long> done,
            @Context UriInfo uri,
            @Context HttpHeaders headers) {
        return looking.at(at, uri, headers, seen -> {
            HostId host = Looking.host(seen, id);
            return Templates.host(
                    pages.page(
                            Looking.nameOf(seen, host),
                            "fleet",
                            uri,
                            seen,
                            done.map(position -> "It stands in the ledger at position " + position + ".")),
                    shown(seen, host, seen.before(before)));
        });
    }

    private Shown shown(Seen seen, HostId host, long before) {
        HostReport report = seen.state().report(host).orElseThrow();
        List<Decision> standing = seen.state().standing(host);
        Map<Long, Instant> times = ledgers.timesOf(
                standing.stream().map(decision -> decision.id().position()).toList());
        List<Answer> answers = standing.stream()
                .map(decision -> new Answer(
                        decision,
                        decision.getClass().getSimpleName().toLowerCase(Locale.ROOT),
                        Explanation.of(decision),
                        Optional.ofNullable(times.get(decision.id().position())),
                        decision instanceof Decision.Reject reject ? reject.missing() : List.of(),
                        Trail.of(seen.state(), decision.subject())
                                .map(Trail::rules)
                                .orElse(List.of())))
                .toList();
        List<KernelRow> kernels = new ArrayList<>();
        for (KernelState kernel : report.kernels()) {
            kernels.add(new KernelRow(kernel, cells(kernel, answers)));
        }
        List<Ledgers.Event> events = ledgers.timeline(host, before, EVENTS);
        HostLine line = seen.board().line(seen.state(), host);
        return new Shown(
                host,
                report,
                line.silence().map(HostLine.Silence::lastState).orElse(line.safety()),
                line.silence(),
                seen.isNow() ? heartbeats.lastWordOf(host) : Optional.empty(),
                RebootSafety.of(seen.state(), host),
                seen.state().held(host),
                standing.stream()
                        .flatMap(decision -> seen.state().accepted(decision).stream())
                        .findFirst(),
                kernels,
                report.checks().stream().filter(check -> !check.passed()).toList(),
                answers.stream()
                        .filter(answer -> answer.decision() instanceof Decision.Build
                                || answer.decision() instanceof Decision.Reuse)
                        .toList(),
                events,
                events.size() == EVENTS ? Optional.of(events.get(EVENTS - 1).position()) : Optional.empty());
    }

    private static List<Cell> cells(KernelState kernel, List<Answer> answers) {
        TreeSet<String> names = new TreeSet<>();
        kernel.modules().forEach(module -> names.add(module.name()));
        List<Answer> here = answers.stream()
                .filter(answer -> answer.decision()
                        .subject()
                        .release()
                        .equals(kernel.identity().release()))
                .toList();
        here.forEach(answer -> names.add(answer.decision().subject().module()));
        return names.stream()
                .map(name -> new Cell(
                        name,
                        kernel.modules().stream()
                                .filter(module -> module.name().equals(name))
                                .findFirst(),
                        here.stream()
                                .filter(answer ->
                                        answer.decision().subject().module().equals(name))
                                .findFirst()))
                .toList();
    }
}
