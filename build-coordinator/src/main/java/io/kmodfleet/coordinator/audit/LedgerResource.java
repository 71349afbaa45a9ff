package io.kmodfleet.coordinator.audit;

import io.kmodfleet.coordinator.ledger.LedgerRows;
import io.kmodfleet.coordinator.ledger.LedgerRows.Lines;
import io.quarkus.vertx.http.Compressed;
import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;

/** The ledger for whoever wants to prove it: every row, as it stands there. */
@Path("/api/v1/ledger")
class LedgerResource {

    /** The last position that the answer holds: whoever reads less was cut off. */
    static final String UP_TO = "Kmodfleet-Up-To";

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final LedgerRows rows;

    LedgerResource(LedgerRows rows) {
        this.rows = rows;
    }

    /**
     * One entry a line, read in chunks as fast as they are taken; ends at the entry that was the last when it was asked.
     *
     * @param after the position behind which it begins
     * @param limit how many entries at most; 0 for all
     */
    @Compressed
    @GET
    @Produces("application/x-ndjson")
    public Response entries(
            @QueryParam("after") @DefaultValue("0") long after, @QueryParam("limit") @DefaultValue("0") long limit) {
        if (after < 0 || limit < 0) {
            throw new BadRequestException(
                    "Expected 'after' and 'limit' from 0, but got " + after + " and " + limit + ".");
        }
        long last = rows.last().await().atMost(PATIENCE);
        long upTo = limit == 0 || limit > last - after ? last : after + limit;
        StreamingOutput body = out -> write(out, after, upTo);
        return Response.ok(body).header(UP_TO, Math.max(upTo, 0)).build();
    }

    private void write(OutputStream out, long after, long upTo) throws IOException {
        long position = after;
        while (position < upTo) {
            Lines lines = rows.next(position, upTo).await().atMost(PATIENCE);
            if (lines.count() == 0) {
                return;
            }
            out.write(lines.text());
            position = lines.last();
        }
    }
}
