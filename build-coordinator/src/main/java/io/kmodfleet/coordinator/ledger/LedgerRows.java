package io.kmodfleet.coordinator.ledger;

import com.fasterxml.jackson.core.JsonGenerator;
import io.kmodfleet.contracts.wire.FleetJson;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.RowSet;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.OffsetDateTime;

/**
 * The rows of the ledger as {@link LedgerLines}, copied and not interpreted: whether a row can be read, and is the one that was
 * written, is for whoever audits it to find out.
 */
@ApplicationScoped
public class LedgerRows {

    private static final int CHUNK = 1000;

    private final Pool pool;

    LedgerRows(Pool pool) {
        this.pool = pool;
    }

    /** @param last the position of the last of them */
    public record Lines(byte[] text, long last, int count) {}

    /** The position of the last row; 0 where there is none. */
    public Uni<Long> last() {
        return pool.query("select coalesce(max(position), 0) from ledger")
                .execute()
                .map(rows -> rows.iterator().next().getLong(0));
    }

    /** The next lines after a position, up to another one; no lines where there are no more. */
    public Uni<Lines> next(long after, long upTo) {
        return pool.preparedQuery(
                        "select position, taken_at, source, epoch, sequence, observed_at, observation, decisions, rules,"
                                + " chain"
                                + " from ledger where position > $1 and position <= $2 order by position limit "
                                + CHUNK)
                .execute(Tuple.of(after, upTo))
                .map(rows -> linesOf(rows, after));
    }

    private static Lines linesOf(RowSet<Row> rows, long after) {
        ByteArrayOutputStream text = new ByteArrayOutputStream(1 << 16);
        long last = after;
        int count = 0;
        for (Row row : rows) {
            write(row, text);
            last = row.getLong("position");
            count++;
        }
        return new Lines(text.toByteArray(), last, count);
    }

    private static void write(Row row, ByteArrayOutputStream text) {
        try (JsonGenerator json = FleetJson.mapper().createGenerator(text)) {
            json.writeStartObject();
            json.writeNumberField("position", row.getLong("position"));
            json.writeStringField("takenAt", instant(row.getOffsetDateTime("taken_at")));
            json.writeObjectFieldStart("envelope");
            json.writeStringField("source", row.getString("source"));
            json.writeNumberField("epoch", row.getLong("epoch"));
            json.writeNumberField("sequence", row.getLong("sequence"));
            json.writeStringField("at", instant(row.getOffsetDateTime("observed_at")));
            json.writeFieldName("observation");
            json.writeRawValue(onOneLine(row.getString("observation")));
            json.writeEndObject();
            json.writeFieldName("decisions");
            json.writeRawValue(onOneLine(row.getString("decisions")));
            json.writeNumberField("rules", row.getInteger("rules"));
            if (row.getString("chain") != null) {
                json.writeStringField("chain", row.getString("chain"));
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        text.write('\n');
    }

    private static String instant(OffsetDateTime time) {
        return time.toInstant().toString();
    }

    /** JSON has line feeds only between its tokens. */
    private static String onOneLine(String json) {
        return json.replace('\n', ' ').replace('\r', ' ');
    }
}
