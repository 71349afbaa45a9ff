package io.kmodfleet.store.catalogue;

import io.smallrye.mutiny.Uni;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.SqlConnection;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Which of several stores does what only one need do: PostgreSQL's session lock, held on a connection of its own, so that it ends
 * with whoever held it. Two who both believe to hold it for a moment do work twice, and nothing wrong.
 */
@ApplicationScoped
public class StoreLock {

    private static final Logger LOG = Logger.getLogger(StoreLock.class);

    /** "kmodstor": the same in every store of one database. */
    private static final long KEY = 0x6b6d6f6473746f72L;

    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration BELIEVED = Duration.ofSeconds(1);

    /** The server notices a machine that is gone after this, and ends the session. */
    private static final String SHORT_KEEP_ALIVE =
            "select set_config('tcp_keepalives_idle', '3', false), set_config('tcp_keepalives_interval', '1', false),"
                    + " set_config('tcp_keepalives_count', '3', false), set_config('application_name', 'kmodfleet-store', false)";

    private final Pool pool;
    private Optional<SqlConnection> connection = Optional.empty();
    private long askedAt = System.nanoTime() - BELIEVED.toNanos();

    StoreLock(Pool pool) {
        this.pool = pool;
    }

    /** Takes it where nobody has it. Blocks; fails where the database does not answer. */
    public synchronized boolean isHeld() {
        if (System.nanoTime() - askedAt < BELIEVED.toNanos()) {
            return connection.isPresent();
        }
        boolean held = connection.isPresent() ? stillHeld() : taken();
        askedAt = System.nanoTime();
        return held;
    }

    private boolean taken() {
        SqlConnection candidate = answer(pool.getConnection());
        boolean taken = false;
        try {
            taken = answer(candidate
                    .preparedQuery("select pg_try_advisory_lock($1)")
                    .execute(Tuple.of(KEY))
                    .map(rows -> rows.iterator().next().getBoolean(0)));
            if (taken) {
                answer(candidate.query(SHORT_KEEP_ALIVE).execute());
                connection = Optional.of(candidate);
                LOG.info("doing the upkeep from now on");
            }
            return taken;
        } finally {
            if (connection.isEmpty()) {
                givenBack(candidate).subscribe().with(done -> {});
            }
        }
    }

    private boolean stillHeld() {
        try {
            answer(connection.get().query("select 1").execute());
            return true;
        } catch (RuntimeException e) {
            LOG.warnf("the session that held the lock is gone error=%s", e);
            givenBack(connection.get()).subscribe().with(done -> {});
            connection = Optional.empty();
            return false;
        }
    }

    @PreDestroy
    synchronized void release() {
        connection.ifPresent(held -> answer(givenBack(held)));
        connection = Optional.empty();
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
