package io.kmodfleet.coordinator.ledger;

import io.vertx.mutiny.core.Vertx;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.PoolOptions;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import org.flywaydb.core.Flyway;

/** A real PostgreSQL with the coordinator's schema; any number of ledgers may work on it, each as in a process of its own. */
public final class TestDatabase implements AutoCloseable {

    private final EmbeddedPostgres server;
    private final Vertx vertx = Vertx.vertx();
    private final Pool byHand;

    public TestDatabase() throws IOException {
        server = EmbeddedPostgres.builder().start();
        Flyway.configure()
                .dataSource(server.getPostgresDatabase())
                .locations("filesystem:src/main/resources/db/migration")
                .load()
                .migrate();
        byHand = pool();
    }

    public int port() {
        return server.getPort();
    }

    public Pool pool() {
        PgConnectOptions where = new PgConnectOptions()
                .setHost("127.0.0.1")
                .setPort(server.getPort())
                .setDatabase("postgres")
                .setUser("postgres")
                .setPassword("postgres")
                .setCachePreparedStatements(true);
        return Pool.newInstance(PgBuilder.pool()
                .connectingTo(where)
                .with(new PoolOptions().setMaxSize(4))
                .using(vertx.getDelegate())
                .build());
    }

    public Ledger ledger() {
        return new Ledger(pool());
    }

    public Snapshots snapshots() {
        return new Snapshots(pool());
    }

    public LedgerLock lock() {
        return new LedgerLock(pool());
    }

    /** By hand, as somebody with a shell would. */
    public void execute(String sql) {
        byHand.query(sql).execute().await().indefinitely();
    }

    public long number(String sql) {
        return byHand.query(sql)
                .execute()
                .await()
                .indefinitely()
                .iterator()
                .next()
                .getLong(0);
    }

    @Override
    public void close() throws IOException {
        vertx.closeAndAwait();
        server.close();
    }
}
