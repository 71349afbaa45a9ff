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
import io.smallrye.mutiny.CompositeException;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.RowSet;
import io.vertx.mutiny.sqlclient.SqlConnection;
import io.vertx.mutiny.sqlclient.Tuple;
import io.vertx.pgclient.PgException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.stream.StreamSupport;

/**
 * Appends and reads back. One batch of entries, their projections and the dead letters found among them are one transaction;
 * the position is the primary key, so of two writers one loses.
 */
@ApplicationScoped
public class Ledger {

    private static final String UNIQUE_VIOLATION = "23505";
    private static final int CHUNK = 1000;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ObjectReader DECISIONS_IN =
            FleetJson.mapper().readerFor(new TypeReference<List<Decision>>() {});
    private static final ObjectReader OBSERVATION_IN = FleetJson.mapper().readerFor(Observation.class);

    private final Pool pool;

    Ledger(Pool pool) {
        this.pool = pool;
    }

    /**
     * Everything of one transaction goes to the database in one go; it is done when the commit is answered.
     *
     * @param rows in order, the first at the position after the last one written
     * @throws LostRace (as failure) where another coordinator has written meanwhile; then nothing was written
     */
    public Uni<Void> append(List<LedgerRow> rows, List<DeadLetter> deadLetters) {
        if (rows.isEmpty() && deadLetters.isEmpty()) {
            return Uni.createFrom().voidItem();
        }
        List<Statement> statements = new ArrayList<>();
        if (!rows.isEmpty()) {
            statements.add(insertEntries(rows));
            statements.add(insertDecisions(rows));
            statements.addAll(project(rows));
        }
        statements.add(insertDeadLetters(deadLetters));
        return pool.getConnection()
                .chain(connection ->
                        transact(connection, statements).onTermination().call(connection::close))
                .ifNoItem()
                .after(PATIENCE)
                .fail()
                .onFailure(Ledger::isTaken)
                .transform(failure -> new LostRace(rows.get(0).entry().position(), failure));
    }

    /** Where one statement fails, those behind it and the commit fail too: PostgreSQL rolls back. */
    private static Uni<Void> transact(SqlConnection connection, List<Statement> statements) {
        List<Uni<RowSet<Row>>> answers = new ArrayList<>();
        answers.add(connection.query("begin").execute());
        for (Statement statement : statements) {
            if (!statement.columns().isEmpty()) {
                answers.add(connection
                        .preparedQuery(statement.sql())
                        .execute(statement.columns().tuple()));
            }
        }
        answers.add(connection.query("commit").execute());
        return Uni.join().all(answers).andCollectFailures().replaceWithVoid();
    }

    private static boolean isTaken(Throwable failure) {
        if (failure instanceof CompositeException several) {
            return several.getCauses().stream().anyMatch(Ledger::isTaken);
        }
        return failure instanceof PgException pg && UNIQUE_VIOLATION.equals(pg.getSqlState());
    }

    private record Statement(String sql, Columns columns) {}

    /**
     * Hands over every entry after a position, in order, while the next chunk is on its way. Blocks.
     *
     * @return the position of the last one
     */
    public long read(long after, Consumer<LedgerEntry> each) {
        long last = after;
        CompletableFuture<RowSet<Row>> coming = rowsAfter(last).subscribeAsCompletionStage();
        while (true) {
            RowSet<Row> rows = join(coming);
            if (rows.size() == 0) {
                return last;
            }
            List<Row> all = StreamSupport.stream(rows.spliterator(), false).toList();
            last = all.get(all.size() - 1).getLong("position");
            coming = rowsAfter(last).subscribeAsCompletionStage();
            all.forEach(row -> each.accept(entryOf(row)));
        }
    }

    private static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
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
        return rowsAfter(position).map(rows -> StreamSupport.stream(rows.spliterator(), false)
                .map(Ledger::entryOf)
                .toList());
    }

    private Uni<RowSet<Row>> rowsAfter(long position) {
        return pool.preparedQuery(
                        "select position, taken_at, source, epoch, sequence, observed_at, observation, decisions, rules, chain"
                                + " from ledger where position > $1 order by position limit " + CHUNK)
                .execute(Tuple.of(position))
                .ifNoItem()
                .after(PATIENCE)
                .fail();
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

    private static Statement insertEntries(List<LedgerRow> rows) {
        Columns columns = new Columns(rows.size(), 10);
        for (LedgerRow row : rows) {
            LedgerEntry entry = row.entry();
            Envelope envelope = entry.envelope();
            columns.row(
                    entry.position(),
                    utc(entry.takenAt()),
                    envelope.source(),
                    envelope.epoch(),
                    envelope.sequence(),
                    utc(envelope.at()),
                    row.observation(),
                    row.decisionsText(),
                    entry.rules(),
                    entry.chain().orElseThrow().toString());
        }
        return new Statement(
                "insert into ledger (position, taken_at, source, epoch, sequence, observed_at, observation, decisions, rules,"
                        + " chain) select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::bigint[], $5::bigint[],"
                        + " $6::timestamptz[], $7::text[], $8::text[], $9::int[], $10::text[])",
                columns);
    }

    private static Statement insertDecisions(List<LedgerRow> rows) {
        Columns columns = new Columns(rows.size(), 9);
        for (LedgerRow row : rows) {
            for (int i = 0; i < row.decisions().size(); i++) {
                Decision decision = row.entry().decisions().get(i);
                columns.row(
                        decision.id().position(),
                        decision.id().index(),
                        utc(row.entry().takenAt()),
                        decision.subject().host().value(),
                        decision.subject().release(),
                        decision.subject().module(),
                        kindOf(decision),
                        decision.reason().name(),
                        row.decisions().get(i));
            }
        }
        return new Statement(
                "insert into decision (position, place, taken_at, host, release, module, kind, reason, body)"
                        + " select * from unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],"
                        + " $7::text[], $8::text[], $9::text[])",
                columns);
    }

    /** Hosts and policies, as they are after these rows; only what they changed. */
    private static List<Statement> project(List<LedgerRow> rows) {
        Map<HostId, LedgerEntry> reports = new LinkedHashMap<>();
        Columns policies = new Columns(1, 4);
        Columns inForce = new Columns(1, 2);
        for (LedgerRow row : rows) {
            LedgerEntry entry = row.entry();
            if (entry.envelope().observation() instanceof Observation.HostReported reported) {
                reports.put(reported.host(), entry);
            }
            row.policy().ifPresent(position -> inForce.row(position, entry.position()));
            if (entry.envelope().observation() instanceof Observation.PolicyPublished published) {
                policies.row(
                        entry.position(),
                        published.author(),
                        utc(entry.takenAt()),
                        FleetJson.write(published.policy()));
            }
        }
        Columns hosts = new Columns(reports.size(), 7);
        reports.forEach((host, entry) -> {
            HostReport report = ((Observation.HostReported) entry.envelope().observation()).report();
            hosts.row(
                    host.value(),
                    report.hostname(),
                    report.os().prettyName(),
                    report.arch(),
                    report.observeOnly(),
                    utc(entry.takenAt()),
                    entry.position());
        });
        List<Statement> statements = new ArrayList<>();
        statements.add(new Statement(
                "insert into host (id, hostname, os, arch, observe_only, reported_at, position)"
                        + " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[],"
                        + " $6::timestamptz[], $7::bigint[])"
                        + " on conflict (id) do update set hostname = excluded.hostname, os = excluded.os,"
                        + " arch = excluded.arch, observe_only = excluded.observe_only,"
                        + " reported_at = excluded.reported_at, position = excluded.position",
                hosts));
        statements.add(new Statement(
                "insert into policy (position, author, published_at, document)"
                        + " select * from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[])",
                policies));
        statements.add(new Statement(
                "update policy set in_force_at = put.at from unnest($1::bigint[], $2::bigint[]) as put(position, at)"
                        + " where policy.position = put.position",
                inForce));
        return statements;
    }

    private static Statement insertDeadLetters(List<DeadLetter> deadLetters) {
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
        return new Statement(
                "insert into dead_letter (topic, part, part_offset, problem, detail, excerpt, at)"
                        + " select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[],"
                        + " $7::timestamptz[]) on conflict do nothing",
                columns);
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

        boolean isEmpty() {
            return columns.get(0).isEmpty();
        }

        Tuple tuple() {
            Tuple tuple = Tuple.tuple();
            for (List<Object> column : columns) {
                Class<?> type = column.isEmpty() ? String.class : column.get(0).getClass();
                tuple.addValue(column.toArray((Object[]) java.lang.reflect.Array.newInstance(type, 0)));
            }
            return tuple;
        }
    }
}
