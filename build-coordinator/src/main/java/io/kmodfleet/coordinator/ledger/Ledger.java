package io.kmodfleet.coordinator.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectReader;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.decision.FleetState;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.SqlConnection;
import io.vertx.mutiny.sqlclient.Tuple;
import io.vertx.pgclient.PgException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;

/**
 * Appends and reads back. One batch of entries, their projections and the dead letters found among them are one transaction;
 * the position is the primary key, so of two writers one loses.
 */
@ApplicationScoped
public class Ledger {

    private static final String UNIQUE_VIOLATION = "23505";
    private static final int CHUNK = 1000;
    private static final ObjectReader DECISIONS_IN =
            FleetJson.mapper().readerFor(new TypeReference<List<Decision>>() {});
    private static final ObjectReader OBSERVATION_IN = FleetJson.mapper().readerFor(Observation.class);

    private final Pool pool;

    Ledger(Pool pool) {
        this.pool = pool;
    }

    /**
     * @param entries in order, the first at the position after the last one written
     * @param after the state that these entries lead to; the projections show it
     * @throws LostRace (as failure) where another coordinator has written meanwhile; then nothing was written
     */
    public Uni<Void> append(List<LedgerEntry> entries, FleetState after, List<DeadLetter> deadLetters) {
        if (entries.isEmpty() && deadLetters.isEmpty()) {
            return Uni.createFrom().voidItem();
        }
        return pool.withTransaction(connection -> {
                    Uni<Void> work = Uni.createFrom().voidItem();
                    if (!entries.isEmpty()) {
                        work = work.chain(() -> insertEntries(connection, entries))
                                .chain(() -> insertDecisions(connection, entries))
                                .chain(() -> project(connection, entries, after));
                    }
                    return deadLetters.isEmpty() ? work : work.chain(() -> insertDeadLetters(connection, deadLetters));
                })
                .onFailure(failure -> failure instanceof PgException pg && UNIQUE_VIOLATION.equals(pg.getSqlState()))
                .transform(failure -> new LostRace(entries.get(0).position(), failure));
    }

    /** Every entry after a position, in order, read in chunks. */
    public Multi<LedgerEntry> after(long position) {
        return Multi.createBy()
                .repeating()
                .uni(() -> new long[] {position}, cursor -> chunkAfter(cursor[0])
                        .invoke(chunk -> {
                            if (!chunk.isEmpty()) {
                                cursor[0] = chunk.get(chunk.size() - 1).position();
                            }
                        }))
                .whilst(chunk -> chunk.size() == CHUNK)
                .onItem()
                .transformToMultiAndConcatenate(chunk -> Multi.createFrom().iterable(chunk));
    }

    /** The position up to which commands have certainly gone out. */
    public Uni<Long> dispatched() {
        return pool.query("select position from dispatch")
                .execute()
                .map(rows -> rows.iterator().next().getLong(0));
    }

    public Uni<Void> dispatched(long position) {
        return pool.preparedQuery("update dispatch set position = $1 where position < $1")
                .execute(Tuple.of(position))
                .replaceWithVoid();
    }

    private Uni<List<LedgerEntry>> chunkAfter(long position) {
        return pool.preparedQuery(
                        "select position, taken_at, source, epoch, sequence, observed_at, observation, decisions, rules, chain"
                                + " from ledger where position > $1 order by position limit " + CHUNK)
                .execute(Tuple.of(position))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(Ledger::entryOf)
                        .toList());
    }

    private static LedgerEntry entryOf(Row row) {
        long position = row.getLong("position");
        try {
            Envelope envelope = new Envelope(
                    row.getString("source"),
                    row.getLong("epoch"),
                    row.getLong("sequence"),
                    row.getOffsetDateTime("observed_at").toInstant(),
                    OBSERVATION_IN.readValue(row.getString("observation")));
            return new LedgerEntry(
                    position,
                    row.getOffsetDateTime("taken_at").toInstant(),
                    envelope,
                    DECISIONS_IN.readValue(row.getString("decisions")),
                    row.getInteger("rules"),
                    Optional.ofNullable(row.getString("chain")).map(Digest::parse));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(
                    "Expected to read ledger position " + position + ", but " + e.getOriginalMessage(), e);
        }
    }

    private static Uni<Void> insertEntries(SqlConnection connection, List<LedgerEntry> entries) {
        Columns columns = new Columns(entries.size(), 10);
        for (LedgerEntry entry : entries) {
            Envelope envelope = entry.envelope();
            columns.row(
                    entry.position(),
                    utc(entry.takenAt()),
                    envelope.source(),
                    envelope.epoch(),
                    envelope.sequence(),
                    utc(envelope.at()),
                    FleetJson.write(envelope.observation()),
                    LedgerChain.decisionsText(entry.decisions()),
                    entry.rules(),
                    entry.chain().orElseThrow().toString());
        }
        return columns.insert(
                connection,
                "insert into ledger (position, taken_at, source, epoch, sequence, observed_at, observation, decisions, rules,"
                        + " chain) select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::bigint[], $5::bigint[],"
                        + " $6::timestamptz[], $7::text[], $8::text[], $9::int[], $10::text[])");
    }

    private static Uni<Void> insertDecisions(SqlConnection connection, List<LedgerEntry> entries) {
        Columns columns = new Columns(entries.size(), 9);
        for (LedgerEntry entry : entries) {
            for (Decision decision : entry.decisions()) {
                columns.row(
                        decision.id().position(),
                        decision.id().index(),
                        utc(entry.takenAt()),
                        decision.subject().host().value(),
                        decision.subject().release(),
                        decision.subject().module(),
                        kindOf(decision),
                        decision.reason().name(),
                        FleetJson.write(decision));
            }
        }
        return columns.insert(
                connection,
                "insert into decision (position, place, taken_at, host, release, module, kind, reason, body)"
                        + " select * from unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],"
                        + " $7::text[], $8::text[], $9::text[])");
    }

    /** Hosts, their standing decisions and the policy, as they are after these entries. */
    private static Uni<Void> project(SqlConnection connection, List<LedgerEntry> entries, FleetState after) {
        Set<HostId> told = new LinkedHashSet<>();
        java.util.Map<HostId, LedgerEntry> reports = new java.util.LinkedHashMap<>();
        Columns policies = new Columns(1, 4);
        for (LedgerEntry entry : entries) {
            entry.decisions().forEach(decision -> told.add(decision.subject().host()));
            if (entry.envelope().observation() instanceof Observation.HostReported reported) {
                reports.put(reported.host(), entry);
                told.add(reported.host());
            }
            if (entry.envelope().observation() instanceof Observation.PolicyPublished published) {
                policies.row(
                        entry.position(),
                        published.author(),
                        utc(entry.takenAt()),
                        FleetJson.write(published.policy()));
            }
        }
        Columns hosts = new Columns(reports.size(), 8);
        reports.forEach((host, entry) -> {
            HostReport report = ((Observation.HostReported) entry.envelope().observation()).report();
            hosts.row(
                    host.value(),
                    report.hostname(),
                    report.os().prettyName(),
                    report.arch(),
                    report.observeOnly(),
                    utc(entry.takenAt()),
                    entry.position(),
                    FleetJson.write(report));
        });
        return hosts.insert(
                        connection,
                        "insert into host (id, hostname, os, arch, observe_only, reported_at, position, report)"
                                + " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[],"
                                + " $6::timestamptz[], $7::bigint[], $8::text[])"
                                + " on conflict (id) do update set hostname = excluded.hostname, os = excluded.os,"
                                + " arch = excluded.arch, observe_only = excluded.observe_only,"
                                + " reported_at = excluded.reported_at, position = excluded.position, report = excluded.report")
                .chain(() -> policies.insert(
                        connection,
                        "insert into policy (position, author, published_at, document)"
                                + " select * from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[])"))
                .chain(() -> projectStanding(connection, told, entries, after));
    }

    private static Uni<Void> projectStanding(
            SqlConnection connection, Set<HostId> told, List<LedgerEntry> entries, FleetState after) {
        if (told.isEmpty()) {
            return Uni.createFrom().voidItem();
        }
        String[] hosts = told.stream().map(HostId::value).toArray(String[]::new);
        Columns standing = new Columns(told.size(), 6);
        for (HostId host : told) {
            for (Decision decision : after.standing(host)) {
                standing.row(
                        host.value(),
                        decision.subject().release(),
                        decision.subject().module(),
                        decision.id().position(),
                        decision.id().index(),
                        FleetJson.write(decision));
            }
        }
        return connection
                .preparedQuery("delete from standing where host = any($1)")
                .execute(Tuple.tuple().addArrayOfString(hosts))
                .chain(() -> standing.insert(
                        connection,
                        "insert into standing (host, release, module, taken_at, body)"
                                + " select s.host, s.release, s.module, d.taken_at, s.body"
                                + " from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::text[])"
                                + " as s (host, release, module, position, place, body)"
                                + " join decision d on d.position = s.position and d.place = s.place"));
    }

    private static Uni<Void> insertDeadLetters(SqlConnection connection, List<DeadLetter> deadLetters) {
        Columns columns = new Columns(deadLetters.size(), 7);
        for (DeadLetter letter : deadLetters) {
            columns.row(
                    letter.topic(),
                    letter.partition(),
                    letter.offset(),
                    letter.problem().name(),
                    letter.detail(),
                    letter.excerpt(),
                    utc(letter.at()));
        }
        return columns.insert(
                connection,
                "insert into dead_letter (topic, part, part_offset, problem, detail, excerpt, at)"
                        + " select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[],"
                        + " $7::timestamptz[]) on conflict do nothing");
    }

    private static String kindOf(Decision decision) {
        return decision.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
    }

    private static OffsetDateTime utc(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }

    /** Rows turned into one array per column, as {@code unnest} wants them. */
    private static final class Columns {
        private final List<List<Object>> columns = new ArrayList<>();

        Columns(int rows, int width) {
            for (int i = 0; i < width; i++) {
                columns.add(new ArrayList<>(rows));
            }
        }

        void row(Object... values) {
            for (int i = 0; i < values.length; i++) {
                columns.get(i).add(values[i]);
            }
        }

        Uni<Void> insert(SqlConnection connection, String sql) {
            if (columns.get(0).isEmpty()) {
                return Uni.createFrom().voidItem();
            }
            Tuple tuple = Tuple.tuple();
            for (List<Object> column : columns) {
                Class<?> type = column.get(0).getClass();
                tuple.addValue(column.toArray((Object[]) java.lang.reflect.Array.newInstance(type, 0)));
            }
            return connection.preparedQuery(sql).execute(tuple).replaceWithVoid();
        }
    }
}
