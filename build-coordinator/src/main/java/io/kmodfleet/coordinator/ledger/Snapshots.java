package io.kmodfleet.coordinator.ledger;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.StatePart;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.core.buffer.Buffer;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.RowSet;
import io.vertx.mutiny.sqlclient.SqlConnection;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jboss.logging.Logger;

/**
 * The fold written down, so that a start need not read the whole ledger. Never the authority: one that does not belong to this
 * ledger, or is not whole, is named, thrown away, and the ledger is read instead.
 */
@ApplicationScoped
public class Snapshots {

    private static final Logger LOG = Logger.getLogger(Snapshots.class);
    private static final int CHUNK = 1 << 20;
    private static final int KEPT = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = FleetJson.mapper()
            .copy()
            .addMixIn(StatePart.class, Tagged.class)
            .setSerializationInclusion(JsonInclude.Include.ALWAYS);
    private static final ObjectWriter OUT = JSON.writerFor(StatePart.class);
    private static final ObjectReader IN = JSON.readerFor(StatePart.class);

    private final Pool pool;

    Snapshots(Pool pool) {
        this.pool = pool;
    }

    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "part")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = StatePart.Published.class, name = "policy"),
        @JsonSubTypes.Type(value = StatePart.Proposed.class, name = "proposal"),
        @JsonSubTypes.Type(value = StatePart.Source.class, name = "source"),
        @JsonSubTypes.Type(value = StatePart.Exports.class, name = "exports"),
        @JsonSubTypes.Type(value = StatePart.Counted.class, name = "counted"),
        @JsonSubTypes.Type(value = StatePart.Host.class, name = "host"),
        @JsonSubTypes.Type(value = StatePart.Target.class, name = "target"),
        @JsonSubTypes.Type(value = StatePart.Hold.class, name = "hold"),
        @JsonSubTypes.Type(value = StatePart.Acceptance.class, name = "acceptance"),
    })
    private interface Tagged {}

    /** The state of a ledger at one of its rows. */
    public record Snapshot(FleetState state, Optional<Digest> chain) {}

    private record Found(long position, Optional<String> chain, int form, String body, Instant now) {}

    /** The newest that is whole and belongs to this ledger; others are deleted. Blocks. */
    public Optional<Snapshot> newest() {
        RowSet<Row> rows =
                answer(pool.query("select position, chain, form, body, now from snapshot order by position desc")
                        .execute());
        for (Row row : rows) {
            Found found = new Found(
                    row.getLong("position"),
                    Optional.ofNullable(row.getString("chain")),
                    row.getInteger("form"),
                    row.getString("body"),
                    row.getOffsetDateTime("now").toInstant());
            String problem;
            try {
                Optional<String> mismatch = mismatch(found);
                if (mismatch.isEmpty()) {
                    return Optional.of(new Snapshot(read(found), found.chain().map(Digest::parse)));
                }
                problem = mismatch.get();
            } catch (IOException | UncheckedIOException | IllegalArgumentException | NoSuchElementException e) {
                problem = "Expected a whole snapshot, but " + e.getMessage();
            }
            LOG.warnf("snapshot not used, reading the ledger instead position=%d reason=%s", found.position(), problem);
            delete(found.position());
        }
        return Optional.empty();
    }

    /** Writes it beside the older ones and keeps the newest two. Blocks as long as that takes; holds nobody else up. */
    public void write(FleetState state, Optional<Digest> chain) {
        long begin = System.nanoTime();
        SqlConnection connection = answer(pool.getConnection());
        boolean written = false;
        try {
            answer(connection.query("begin").execute());
            answer(connection
                    .preparedQuery("delete from snapshot where position = $1")
                    .execute(Tuple.of(state.position())));
            answer(connection
                    .preparedQuery("insert into snapshot (position, chain, form, body, now, taken_at)"
                            + " values ($1, $2, $3, '', $4, now())")
                    .execute(Tuple.of(
                            state.position(),
                            chain.map(Digest::toString).orElse(null),
                            StatePart.FORM,
                            state.now().atOffset(ZoneOffset.UTC))));
            MessageDigest digest = Digest.sha256();
            try (Chunks chunks = new Chunks(connection, state.position(), digest);
                    OutputStream out = new FastGzip(chunks)) {
                for (Iterator<StatePart> parts = state.parts().iterator(); parts.hasNext(); ) {
                    out.write(OUT.writeValueAsBytes(parts.next()));
                    out.write('\n');
                }
            }
            answer(connection
                    .preparedQuery("update snapshot set body = $2 where position = $1")
                    .execute(Tuple.of(state.position(), Digest.of(digest).toString())));
            answer(connection
                    .preparedQuery("delete from snapshot where position not in"
                            + " (select position from snapshot order by position desc limit $1)")
                    .execute(Tuple.of(KEPT)));
            answer(connection.query("commit").execute());
            written = true;
            LOG.infof(
                    "snapshot written position=%d millis=%d",
                    state.position(), (System.nanoTime() - begin) / 1_000_000);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (!written) {
                answer(connection.query("rollback").execute().onFailure().recoverWithNull());
            }
            connection.closeAndForget();
        }
    }

    private Optional<String> mismatch(Found found) {
        if (found.form() != StatePart.FORM) {
            return Optional.of("Expected form " + StatePart.FORM + ", but it has form " + found.form());
        }
        RowSet<Row> row = answer(pool.preparedQuery("select chain from ledger where position = $1")
                .execute(Tuple.of(found.position())));
        if (row.size() == 0) {
            return Optional.of("Expected a position of the ledger, but the ledger ends before " + found.position());
        }
        Optional<String> chain = Optional.ofNullable(row.iterator().next().getString(0));
        return chain.isPresent() && chain.equals(found.chain())
                ? Optional.empty()
                : Optional.of("Expected the chain of the ledger's row, " + chain.orElse("none") + ", but it has "
                        + found.chain().orElse("none"));
    }

    private FleetState read(Found found) throws IOException {
        MessageDigest digest = Digest.sha256();
        InputStream body = new DigestInputStream(new BufferedInputStream(new Parts(found.position()), CHUNK), digest);
        FleetState state;
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(body, CHUNK), StandardCharsets.UTF_8), CHUNK)) {
            state = FleetState.of(
                    found.position(),
                    found.now(),
                    lines.lines().map(Snapshots::partOf).iterator());
            body.transferTo(OutputStream.nullOutputStream());
        }
        String actual = Digest.of(digest).toString();
        if (!actual.equals(found.body())) {
            throw new IOException("its body is " + actual + " and not " + found.body());
        }
        return state;
    }

    private static StatePart partOf(String line) {
        try {
            return IN.readValue(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void delete(long position) {
        answer(pool.preparedQuery("delete from snapshot where position = $1").execute(Tuple.of(position)));
    }

    private static <T> T answer(Uni<T> asked) {
        return asked.await().atMost(PATIENCE);
    }

    /** The parts of one snapshot, one after the other. */
    private final class Parts extends InputStream {
        private final long position;
        private int next;
        private byte[] chunk = new byte[0];
        private int at;

        Parts(long position) {
            this.position = position;
        }

        @Override
        public int read() {
            return hasMore() ? chunk[at++] & 0xff : -1;
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            if (!hasMore()) {
                return -1;
            }
            int count = Math.min(length, chunk.length - at);
            System.arraycopy(chunk, at, into, offset, count);
            at += count;
            return count;
        }

        private boolean hasMore() {
            while (at == chunk.length) {
                RowSet<Row> row =
                        answer(pool.preparedQuery("select body from snapshot_part where position = $1 and part = $2")
                                .execute(Tuple.of(position, next)));
                if (row.size() == 0) {
                    return false;
                }
                chunk = row.iterator().next().getBuffer(0).getBytes();
                at = 0;
                next++;
            }
            return true;
        }
    }

    /** Cuts what is written into rows. */
    private static final class Chunks extends OutputStream {
        private final SqlConnection connection;
        private final long position;
        private final MessageDigest digest;
        private final byte[] chunk = new byte[CHUNK];
        private int filled;
        private int part;

        Chunks(SqlConnection connection, long position, MessageDigest digest) {
            this.connection = connection;
            this.position = position;
            this.digest = digest;
        }

        @Override
        public void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            int done = 0;
            while (done < length) {
                int count = Math.min(length - done, CHUNK - filled);
                System.arraycopy(bytes, offset + done, chunk, filled, count);
                filled += count;
                done += count;
                if (filled == CHUNK) {
                    insert();
                }
            }
        }

        @Override
        public void close() {
            insert();
        }

        private void insert() {
            if (filled == 0) {
                return;
            }
            digest.update(chunk, 0, filled);
            Buffer body = Buffer.buffer(java.util.Arrays.copyOf(chunk, filled));
            Snapshots.answer(connection
                    .preparedQuery("insert into snapshot_part (position, part, body) values ($1, $2, $3)")
                    .execute(Tuple.of(position, part, body.getDelegate())));
            part++;
            filled = 0;
        }
    }

    private static final class FastGzip extends GZIPOutputStream {
        FastGzip(OutputStream out) throws IOException {
            super(out, 1 << 16);
            def.setLevel(Deflater.BEST_SPEED);
        }
    }
}
