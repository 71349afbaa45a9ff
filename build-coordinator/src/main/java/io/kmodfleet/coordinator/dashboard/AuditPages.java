package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.fleet.Problem;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The ledger for people: what stands in it, the fleet at any of its moments, and a replay of any range. */
@Path("/audit")
@Blocking
class AuditPages {

    private static final int ENTRIES = 50;
    private static final int FINDINGS = 50;

    private final Looking looking;
    private final Pages pages;
    private final Ledgers ledgers;
    private final Audits audits;

    AuditPages(Looking looking, Pages pages, Ledgers ledgers, Audits audits) {
        this.looking = looking;
        this.pages = pages;
        this.ledgers = ledgers;
        this.audits = audits;
    }

    /** @param slider where it stands @param percent of the replay */
    record Shown(
            long last,
            long slider,
            List<Map.Entry<Long, Instant>> ruler,
            List<Ledgers.Entry> entries,
            Optional<Long> older,
            boolean newest,
            Optional<Audits.Replay> replay,
            int percent,
            int findings) {}

    @GET
    @Produces(MediaType.TEXT_HTML)
    public Response audit(
            @QueryParam("before") @DefaultValue("9223372036854775807") long before,
            @QueryParam("at") Optional<String> at,
            @Context UriInfo uri,
            @Context HttpHeaders headers) {
        if (at.filter(text -> !text.isBlank()).isEmpty()) {
            // How far a replay is moves by itself.
            Seen now = looking.now();
            return Pages.own(Templates.audit(pages.page("Audit", "audit", uri, now), shown(now, before)));
        }
        return looking.at(
                at,
                uri,
                headers,
                seen -> Templates.audit(pages.page("Audit", "audit", uri, seen), shown(seen, before)));
    }

    private Shown shown(Seen seen, long before) {
        long last = ledgers.last();
        List<Ledgers.Entry> entries = ledgers.entries(seen.before(before), ENTRIES);
        List<Map.Entry<Long, Instant>> ruler = last == 0 ? List.of() : ledgers.ruler(last, 8);
        Optional<Audits.Replay> replay = audits.last();
        return new Shown(
                last,
                seen.isNow() ? last : seen.state().position(),
                ruler,
                entries,
                entries.size() == ENTRIES && entries.get(ENTRIES - 1).position() > 1
                        ? Optional.of(entries.get(ENTRIES - 1).position())
                        : Optional.empty(),
                before == Long.MAX_VALUE,
                replay,
                replay.map(run -> (int) Math.min(100, run.position() * 100 / Math.max(1, run.to())))
                        .orElse(0),
                FINDINGS);
    }

    /** Begins a replay and comes back to the page that shows it. */
    @POST
    @Path("replay")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response replay(
            @FormParam("from") @DefaultValue("1") long from, @FormParam("to") @DefaultValue("0") long to) {
        long last = ledgers.last();
        long until = to == 0 ? last : Math.min(to, last);
        if (from < 1 || until < from) {
            throw new Problem(
                    400,
                    "Not a range",
                    "Expected positions from 1 to " + last + ", the first before the last, but got " + from + " to "
                            + to);
        }
        audits.start(from, until);
        return Response.seeOther(URI.create("/audit#replay")).build();
    }

    /** The time slider without a script: one address for each moment. */
    @GET
    @Path("go")
    public Response go(@QueryParam("position") @DefaultValue("") String position) {
        Looking.moment(position);
        return Response.seeOther(URI.create("/?at=" + Page.encoded(position))).build();
    }
}
