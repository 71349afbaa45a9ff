package io.kmodfleet.coordinator.dashboard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectReader;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.FleetJson;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.RowSet;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Questions of pages to the ledger; each is answered by an index. They block. */
@ApplicationScoped
class Ledgers {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int DECISIONS_SHOWN = 6;
    private static final ObjectReader OBSERVATION = FleetJson.mapper().readerFor(Observation.class);
    private static final ObjectReader DECISION = FleetJson.mapper().readerFor(Decision.class);

    private final Pool pool;

    Ledgers(Pool pool) {
        this.pool = pool;
    }

    /**
     * Something that happened.
     *
     * @param kind "observation", or the decision in one word
     */
    record Event(
            long position,
            String id,
            Instant at,
            String source,
            String kind,
            String text,
            String release,
            String module,
            List<Fact> facts,
            int rules) {}

    /** An entry of the ledger with what came of it. @param count of all its decisions */
    record Entry(long position, Instant at, String source, String text, int rules, int count, List<Event> decisions) {}

    /** A policy as it was published. @param inForceAt the entry that put it in force; absent where none did */
    record Published(long position, String author, Instant at, String document, Optional<Long> inForceAt) {}

    long last() {
        return answer(pool.query("select coalesce(max(position), 0) from ledger")
                        .execute())
                .iterator()
                .next()
                .getLong(0);
    }

    Map<Long, Instant> timesOf(Collection<Long> positions) {
        Map<Long, Instant> times = new HashMap<>();
        if (positions.isEmpty()) {
            return times;
        }
        for (Row row : answer(pool.preparedQuery("select position, taken_at from ledger where position = any($1)")
                .execute(Tuple.of(positions.toArray(Long[]::new))))) {
            times.put(row.getLong("position"), at(row));
        }
        return times;
    }

    /** Positions and their times, evenly spread over the ledger; the first and the last among them. */
    List<Map.Entry<Long, Instant>> ruler(long last, int marks) {
        List<Long> positions = new ArrayList<>();
        long step = Math.max(1, last / marks);
        for (long position = 1; position <= last; position += step) {
            positions.add(position);
        }
        positions.add(last);
        return timesOf(positions).entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .toList();
    }

    /** What a host said and what it was told, the newest first. @param before positions that are left out, from there on */
    List<Event> timeline(HostId host, long before, int limit) {
        List<Event> events = new ArrayList<>();
        for (Row row : answer(
                pool.preparedQuery("select position, taken_at, source, observation, rules from ledger where source = $1"
                                + " and position < $2 order by epoch desc, sequence desc limit $3")
                        .execute(Tuple.of(host.value(), before, limit)))) {
            events.add(observed(row));
        }
        // What people did to it: there are few of these in all.
        for (Row row : answer(
                pool.preparedQuery("select position, taken_at, source, observation, rules from ledger where source = $1"
                                + " and position < $2 and observation ~ '^\\{\"observation\":\"(host|retry|risk)-'"
                                + " and observation like $3 order by position desc limit $4")
                        .execute(Tuple.of(Envelope.OPERATOR, before, "%\"host\":\"" + host.value() + "\"%", limit)))) {
            events.add(observed(row));
        }
        for (Row row : answer(pool.preparedQuery("select position, taken_at, body from decision where host = $1 and"
                        + " position < $2 order by position desc, place desc limit $3")
                .execute(Tuple.of(host.value(), before, limit)))) {
            events.add(decided(row.getLong("position"), at(row), read(DECISION, row.getString("body")), 0));
        }
        return events.stream()
                .sorted(Comparator.comparingLong(Event::position)
                        .reversed()
                        .thenComparing(event -> event.kind().equals("observation") ? 1 : 0))
                .limit(limit)
                .toList();
    }

    /** The newest first; of the decisions of each, the first few. */
    List<Entry> entries(long before, int limit) {
        List<Event> observed = new ArrayList<>();
        for (Row row : answer(pool.preparedQuery("select position, taken_at, source, observation, rules from ledger"
                        + " where position < $1 order by position desc limit $2")
                .execute(Tuple.of(before, limit)))) {
            observed.add(observed(row));
        }
        Long[] positions = observed.stream().map(Event::position).toArray(Long[]::new);
        Map<Long, List<Event>> decisions = new HashMap<>();
        for (Row row :
                answer(pool.preparedQuery("select position, taken_at, body from decision where position = any($1)"
                                + " and place < $2 order by position, place")
                        .execute(Tuple.of(positions, DECISIONS_SHOWN)))) {
            decisions
                    .computeIfAbsent(row.getLong("position"), any -> new ArrayList<>())
                    .add(decided(row.getLong("position"), at(row), read(DECISION, row.getString("body")), 0));
        }
        Map<Long, Integer> counts = new HashMap<>();
        for (Row row :
                answer(pool.preparedQuery("select p, (select max(place) + 1 from decision where position = p) as n"
                                + " from unnest($1::bigint[]) as p")
                        .execute(Tuple.of((Object) positions)))) {
            counts.put(
                    row.getLong("p"), Optional.ofNullable(row.getInteger("n")).orElse(0));
        }
        return observed.stream()
                .map(event -> new Entry(
                        event.position(),
                        event.at(),
                        event.source(),
                        event.text(),
                        event.rules(),
                        counts.getOrDefault(event.position(), 0),
                        decisions.getOrDefault(event.position(), List.of())))
                .toList();
    }

    /** The policies that were published up to a position, the newest first. */
    List<Published> policies(long upTo, int limit) {
        List<Published> all = new ArrayList<>();
        for (Row row : answer(pool.preparedQuery(
                        "select position, author, published_at, document, in_force_at from policy where position <= $1"
                                + " order by position desc limit $2")
                .execute(Tuple.of(upTo, limit)))) {
            all.add(new Published(
                    row.getLong("position"),
                    row.getString("author"),
                    row.getOffsetDateTime("published_at").toInstant(),
                    row.getString("document"),
                    Optional.ofNullable(row.getLong("in_force_at")).filter(at -> at <= upTo)));
        }
        return all;
    }

    private static Event observed(Row row) {
        Observation observation = read(OBSERVATION, row.getString("observation"));
        return new Event(
                row.getLong("position"),
                Long.toString(row.getLong("position")),
                at(row),
                row.getString("source"),
                "observation",
                ObservationWords.of(observation),
                "",
                "",
                List.of(),
                row.getInteger("rules"));
    }

    private static Event decided(long position, Instant at, Decision decision, int rules) {
        return new Event(
                position,
                decision.id().toString(),
                at,
                decision.subject().host().value(),
                decision.getClass().getSimpleName().toLowerCase(Locale.ROOT),
                Explanation.of(decision).text(),
                decision.subject().release(),
                decision.subject().module(),
                decision.facts(),
                rules);
    }

    private static Instant at(Row row) {
        OffsetDateTime time = row.getOffsetDateTime("taken_at");
        return time.toInstant();
    }

    private static RowSet<Row> answer(Uni<RowSet<Row>> asked) {
        return asked.await().atMost(PATIENCE);
    }

    private static <T> T read(ObjectReader reader, String json) {
        try {
            return reader.readValue(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the ledger to hold JSON, but " + e.getOriginalMessage(), e);
        }
    }
}
