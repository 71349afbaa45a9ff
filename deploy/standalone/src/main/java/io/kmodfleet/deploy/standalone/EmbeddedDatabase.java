package io.kmodfleet.deploy.standalone;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** PostgreSQL of our own, on loopback, with its data below one directory. */
final class EmbeddedDatabase implements AutoCloseable {

    static final String USER = "postgres";

    /** Unpacked once, shared by every data directory. */
    private static final Path BINARIES = Path.of(System.getProperty("user.home"), ".cache", "kmodfleet", "postgres");

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final EmbeddedPostgres server;
    private final Path data;

    private EmbeddedDatabase(EmbeddedPostgres server, Path data) {
        this.server = server;
        this.data = data;
    }

    static EmbeddedDatabase start(Path directory, int port) throws IOException {
        Path data = directory.resolve("data");
        Files.createDirectories(directory);
        endLeftover(data);
        EmbeddedPostgres server = EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setOverrideWorkingDirectory(BINARIES.toFile())
                .setCleanDataDirectory(false)
                .setPort(port)
                .setServerConfig("listen_addresses", "127.0.0.1")
                .setServerConfig("unix_socket_directories", "")
                .setServerConfig("max_connections", "60")
                .setServerConfig("shared_buffers", "64MB")
                // Embedded for tests, the defaults switch durability off. Here it is what the ledger stands on.
                .setServerConfig("fsync", "on")
                .setServerConfig("full_page_writes", "on")
                .setServerConfig("synchronous_commit", "on")
                .setPGStartupWait(PATIENCE)
                .start();
        EmbeddedDatabase database = new EmbeddedDatabase(server, data);
        database.createMissing(List.of("coordinator", "store"));
        return database;
    }

    /** The postmaster's process. */
    Optional<Long> pid() {
        return pidIn(data);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void createMissing(List<String> names) throws IOException {
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            for (String name : names) {
                try (ResultSet found =
                        statement.executeQuery("select 1 from pg_database where datname = '" + name + "'")) {
                    if (found.next()) {
                        continue;
                    }
                }
                statement.execute("create database " + name);
            }
        } catch (SQLException e) {
            throw new IOException("Expected to create the databases, but " + e.getMessage(), e);
        }
    }

    /** A postmaster that outlived the launcher that started it. Its own pid file names it. */
    private static void endLeftover(Path data) {
        pidIn(data)
                .flatMap(ProcessHandle::of)
                .filter(process -> process.info().command().orElse("").contains("postgres"))
                .ifPresent(process -> {
                    process.destroy();
                    Processes.awaitEnd(process, PATIENCE);
                });
    }

    private static Optional<Long> pidIn(Path data) {
        try {
            return Files.readAllLines(data.resolve("postmaster.pid")).stream()
                    .findFirst()
                    .map(line -> Long.parseLong(line.strip()));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }
}
