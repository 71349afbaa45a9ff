package io.kmodfleet.coordinator.dashboard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.board.Moments;
import io.kmodfleet.coordinator.board.Moments.Moment;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/** The moments of the past, in memory and in the database. Several coordinators may add to it: one position stands once. */
@ApplicationScoped
class History {

    private static final Logger LOG = Logger.getLogger(History.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Pool pool;
    private final ObjectMapper json = FleetJson.mapper();
    private volatile Moments moments = new Moments();

    History(Pool pool) {
        this.pool = pool;
    }

    /** Blocks. */
    void read() {
        Moments read = new Moments();
        for (Row row : pool.query("select body from history order by position").executeAndAwait()) {
            try {
                read.add(json.readValue(row.getString("body"), Moment.class));
            } catch (JsonProcessingException e) {
                LOG.warnf("moment of the history left out error=%s", e.getOriginalMessage());
            }
        }
        moments = read;
    }

    List<Moment> all() {
        return moments.all();
    }

    Optional<Moment> last() {
        List<Moment> all = moments.all();
        return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
    }

    boolean wants(long position, Instant at) {
        return position > 0 && moments.wants(position, at);
    }

    /** What cannot be written is only not there after the next start. */
    void add(Moment moment) {
        List<Moment> gone = moments.add(moment);
        try {
            pool.preparedQuery("insert into history (position, at, body) values ($1, $2, $3) on conflict do nothing")
                    .execute(Tuple.of(moment.position(), moment.at().atOffset(ZoneOffset.UTC), FleetJson.write(moment)))
                    .await()
                    .atMost(PATIENCE);
            if (!gone.isEmpty()) {
                pool.preparedQuery("delete from history where position = any($1)")
                        .execute(Tuple.of(gone.stream().map(Moment::position).toArray(Long[]::new)))
                        .await()
                        .atMost(PATIENCE);
            }
        } catch (RuntimeException e) {
            LOG.warnf("moment of the history not written position=%d error=%s", moment.position(), e);
        }
    }
}
