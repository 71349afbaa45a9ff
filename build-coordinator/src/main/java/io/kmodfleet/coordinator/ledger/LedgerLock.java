package io.kmodfleet.coordinator.ledger;

import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.SqlConnection;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Which of several coordinators is the active one: PostgreSQL's session lock, held on a connection of its own. It ends with
 * that connection, so a coordinator that is killed gives it back at once. It only says who works; that two who both believe to
 * hold it do not fork the ledger is what the ledger's key is for.
 */
@ApplicationScoped
public class LedgerLock {

    private static final Logger LOG = Logger.getLogger(LedgerLock.class);

    /** "kmodflee": the same in every coordinator of one database. */
    private static final long KEY = 0x6b6d6f64666c6565L;

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** The server notices a machine that is gone after this, and ends the session. */
    private static final String SHORT_KEEP_ALIVE =
            "select set_config('tcp_keepalives_idle', '3', false), set_config('tcp_keepalives_interval', '1', false),"
                    + " set_config('tcp_keepalives_count', '3', false), set_config('application_name', 'kmodfleet-lock', false)";

    private final Pool pool;
    private Optional<SqlConnection> connection = Optional.empty();

    LedgerLock(Pool pool) {
        this.pool = pool;
    }

    /** Takes it where nobody has it. Blocks; fails where the database does not answer. */
    public synchronized boolean tryTake() {
        if (connection.isPresent()) {
            return stillHeld();
        }
        SqlConnection candidate = answer(pool.getConnection());
        boolean taken = false;
        try {
            taken = answer(candidate
                    .preparedQuery("select pg_try_advisory_lock($1)")
                    .execute(Tuple.of(KEY))
                    .map(rows -> rows.iterator().next().getBoolean(0)));
        } finally {
            if (taken) {
                connection = Optional.of(candidate);
            } else {
                givenBack(candidate).subscribe().with(done -> {});
            }
        }
        if (taken) {
            answer(candidate.query(SHORT_KEEP_ALIVE).execute());
        }
        return taken;
    }

    /** Asks the session; blocks. After a no it is not held any more, whatever the reason. */
    public synchronized boolean stillHeld() {
        if (connection.isEmpty()) {
            return false;
        }
        try {
            answer(connection.get().query("select 1").execute());
            return true;
        } catch (RuntimeException e) {
            LOG.warnf("the session that held the ledger's lock is gone error=%s", e);
            givenBack(connection.get()).subscribe().with(done -> {});
            connection = Optional.empty();
            return false;
        }
    }

    /** Gives it back, so that another takes it at once. */
    public synchronized void release() {
        Optional<SqlConnection> held = connection;
        connection = Optional.empty();
        held.ifPresent(session -> answer(givenBack(session)));
    }

    /** To the pool, which may keep its session: one that only was late to answer must not keep the lock. */
    private static Uni<Void> givenBack(SqlConnection held) {
        return held.query("select pg_advisory_unlock_all()")
                .execute()
                .onTermination()
                .call(held::close)
                .replaceWithVoid()
                .onFailure()
                .recoverWithNull();
    }

    private static <T> T answer(Uni<T> asked) {
        return asked.await().atMost(PATIENCE);
    }
}
