package io.kmodfleet.coordinator.fleet;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.fleet.FailureCluster.Failed;
import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.stream.StreamSupport;

/** What failed, out of the ledger itself: an index over the few rows that tell of failures finds them. */
@ApplicationScoped
public class Failures {

    private static final int NEWEST = 20_000;

    private final Pool pool;

    Failures(Pool pool) {
        this.pool = pool;
    }

    /** @param upTo position behind which nothing is looked at */
    public Uni<List<FailureCluster>> clusters(int limit, long upTo) {
        return pool.preparedQuery("select taken_at, observation from ledger where observation ~"
                        + " '^\\{\"observation\":\"(build|install|load)-failed\"' and position <= $2"
                        + " order by position desc limit $1")
                .execute(Tuple.of(NEWEST, upTo))
                .map(rows ->
                        FailureCluster.of(StreamSupport.stream(rows.spliterator(), false)
                                        .map(Failures::failed)
                                        .toList())
                                .stream()
                                .limit(limit)
                                .toList());
    }

    private static Failed failed(Row row) {
        try {
            return Failed.of(
                    row.getOffsetDateTime("taken_at").toInstant(),
                    FleetJson.mapper().readValue(row.getString("observation"), Observation.class));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the ledger to hold observations", e);
        }
    }
}
