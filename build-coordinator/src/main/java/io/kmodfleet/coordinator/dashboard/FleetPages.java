package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.board.Board.Count;
import io.kmodfleet.coordinator.board.Board.Cursor;
import io.kmodfleet.coordinator.board.Filter;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.board.Tally;
import io.kmodfleet.coordinator.fleet.Problem;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.BeanParam;
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
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.resteasy.reactive.RestQuery;

/** The page that an operator keeps open, and the map on it. */
@Path("/")
@Blocking
class FleetPages {

    private static final int ROWS = 50;
    private static final int CHOICES = 200;
    private static final int KERNELS = 12;
    private static final int NEWEST = 10;

    private final Looking looking;
    private final LiveBoard live;
    private final Pages pages;
    private final Ledgers ledgers;
    private final Exposure exposure;

    FleetPages(Looking looking, LiveBoard live, Pages pages, Ledgers ledgers, Exposure exposure) {
        this.looking = looking;
        this.live = live;
        this.pages = pages;
        this.ledgers = ledgers;
        this.exposure = exposure;
    }

    /** As it stands in an address. */
    static class Asked {
        @RestQuery
        Optional<String> state;

        @RestQuery
        Optional<String> os;

        @RestQuery
        Optional<String> kernel;

        @RestQuery
        Optional<String> module;

        @RestQuery
        Optional<String> reason;

        @RestQuery
        Optional<String> label;

        @RestQuery
        Optional<String> q;

        Filter filter() {
            Optional<Safety> safety = state.filter(code -> !code.isBlank()).map(code -> Safety.parse(code)
                    .orElseThrow(() -> new Problem(
                            400,
                            "Not a state",
                            "Expected one of "
                                    + Stream.of(Safety.values())
                                            .map(Safety::code)
                                            .toList()
                                    + ", but got '" + code + "'")));
            return new Filter(safety, os, kernel, module, reason, label, q);
        }

        /** The same in an address, with another state; beginning with {@code ?}. */
        String with(Optional<String> otherState, Optional<String> at) {
            StringBuilder query = new StringBuilder();
            add(query, "state", otherState);
            add(query, "os", os);
            add(query, "kernel", kernel);
            add(query, "module", module);
            add(query, "reason", reason);
            add(query, "label", label);
            add(query, "q", q);
            add(query, "at", at);
            return query.isEmpty() ? "?" : query.toString();
        }

        private static void add(StringBuilder query, String name, Optional<String> value) {
            value.filter(text -> !text.isBlank()).ifPresent(text -> query.append(query.isEmpty() ? '?' : '&')
                    .append(name)
                    .append('=')
                    .append(Page.encoded(text)));
        }
    }

    /** One of the states. @param address of the hosts that stand so */
    record Tile(Safety safety, int hosts, String share, String address, boolean chosen) {}

    record Row(HostLine line, Optional<Instant> since) {}

    record Choice(String name, String title, List<Count> values, String chosen) {}

    record Bar(String value, int hosts, int share, String address) {}

    record Overview(
            int hosts,
            int matching,
            List<Tile> tiles,
            List<Choice> choices,
            String text,
            boolean filtered,
            String mapAddress,
            List<Row> rows,
            Optional<String> next,
            List<Bar> kernels,
            List<Exposure.Held> exposure,
            List<Row> longest,
            Tally tally,
            boolean hasPolicy,
            List<Ledgers.Entry> newest) {}

    @GET
    @Produces(MediaType.TEXT_HTML)
    public Response fleet(
            @BeanParam Asked asked,
            @QueryParam("after") Optional<String> after,
            @QueryParam("at") Optional<String> at,
            @Context UriInfo uri,
            @Context HttpHeaders headers) {
        Filter filter = asked.filter();
        Cursor cursor = cursor(after);
        return looking.at(
                at,
                uri,
                headers,
                seen -> Templates.fleet(
                        pages.page("Fleet", "fleet", uri, seen), overview(seen, asked, filter, cursor)));
    }

    private Overview overview(Seen seen, Asked asked, Filter filter, Cursor cursor) {
        Board board = seen.board();
        int[] counts = board.counts(filter.inAnyState());
        int all = 0;
        for (int count : counts) {
            all += count;
        }
        List<Tile> tiles = new ArrayList<>();
        for (Safety safety : Safety.worstFirst()) {
            if (safety == Safety.SILENT && !seen.isNow()) {
                continue;
            }
            boolean chosen = filter.safety().equals(Optional.of(safety));
            tiles.add(new Tile(
                    safety,
                    counts[safety.ordinal()],
                    Say.percent(counts[safety.ordinal()], all),
                    "/" + asked.with(chosen ? Optional.empty() : Optional.of(safety.code()), seen.at()),
                    chosen));
        }
        Board.Page page = board.page(filter, cursor, ROWS);
        List<HostLine> lines = lines(seen, page.hosts());
        List<HostLine> longest = lines(seen, board.heldLongest(5));
        Map<Long, Instant> times = ledgers.timesOf(Stream.concat(lines.stream(), longest.stream())
                .map(HostLine::since)
                .filter(position -> position > 0)
                .distinct()
                .toList());
        int size = board.size();
        return new Overview(
                size,
                page.matching(),
                tiles,
                List.of(
                        choice("os", "System", board.systems(), asked.os),
                        choice("kernel", "Kernel", board.kernels(), asked.kernel),
                        choice("module", "Module", board.modules(), asked.module),
                        choice("reason", "Reason", board.reasons(), asked.reason),
                        choice("label", "Label", board.labels(), asked.label)),
                asked.q.orElse(""),
                !filter.isAll(),
                "/map" + asked.with(asked.state, seen.at()),
                rows(lines, times),
                page.next().map(next -> "/" + asked.with(asked.state, seen.at()) + "&after=" + next),
                board.kernels().stream()
                        .limit(KERNELS)
                        .map(count -> new Bar(
                                count.value(),
                                count.hosts(),
                                size == 0 ? 0 : Math.max(1, Math.round(100f * count.hosts() / size)),
                                "/?kernel=" + Page.encoded(count.value())
                                        + seen.at()
                                                .map(moment -> "&at=" + Page.encoded(moment))
                                                .orElse("")))
                        .toList(),
                exposure.of(seen),
                rows(longest, times),
                seen.isNow() ? live.tally() : Tally.NOTHING,
                seen.state().policy().isPresent(),
                ledgers.entries(seen.before(Long.MAX_VALUE), NEWEST));
    }

    /** The board goes on while a page is made: a host that came after what the page knows is on the next one. */
    static List<HostLine> lines(Seen seen, List<HostId> hosts) {
        return hosts.stream()
                .filter(host -> seen.state().report(host).isPresent())
                .map(host -> seen.board().line(seen.state(), host))
                .toList();
    }

    private static List<Row> rows(List<HostLine> lines, Map<Long, Instant> times) {
        return lines.stream()
                .map(line -> new Row(line, Optional.ofNullable(times.get(line.since()))))
                .toList();
    }

    private static Choice choice(String name, String title, List<Count> values, Optional<String> chosen) {
        return new Choice(name, title, values.stream().limit(CHOICES).toList(), chosen.orElse(""));
    }

    /**
     * Every host in one byte: first 4 bytes for the number of hosts and 8 for the life of this coordinator, big endian; then the
     * ordinals of {@link Safety}, 255 for a host that does not fit the filter.
     */
    @GET
    @Path("map")
    @Produces(MediaType.APPLICATION_OCTET_STREAM)
    public Response map(@BeanParam Asked asked, @QueryParam("at") Optional<String> at) {
        Seen seen = looking.ready(at);
        byte[] map = seen.board().map(asked.filter());
        byte[] answer = ByteBuffer.allocate(12 + map.length)
                .putInt(map.length)
                .putLong(live.epoch())
                .put(map)
                .array();
        return Response.ok(answer).header(HttpHeaders.CACHE_CONTROL, "no-store").build();
    }

    /** What the map says about one of its places. */
    record Place(
            String host,
            String hostname,
            String state,
            String words,
            String because,
            String kernel,
            Optional<Instant> heardAt) {}

    @GET
    @Path("map/{place}")
    @Produces(MediaType.APPLICATION_JSON)
    public Place place(@PathParam("place") int place, @QueryParam("at") Optional<String> at) {
        Seen seen = looking.ready(at);
        HostLine line = seen.board().at(place).stream()
                .flatMap(host -> lines(seen, List.of(host)).stream())
                .findFirst()
                .orElseThrow(() -> new Problem(
                        404,
                        "No such place",
                        "Expected a place from 0 to " + (seen.board().size() - 1)));
        return new Place(
                line.host().value(),
                line.hostname(),
                line.safety().code(),
                line.safety().words(),
                line.because(),
                line.kernel(),
                line.silence().map(HostLine.Silence::heardAt));
    }

    static Cursor cursor(Optional<String> after) {
        try {
            return after.filter(text -> !text.isBlank()).map(Cursor::parse).orElse(Cursor.BEGIN);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a cursor", e.getMessage());
        }
    }
}
