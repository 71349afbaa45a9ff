package io.kmodfleet.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The store as it is delivered, as a process of its own that can be killed. */
public final class StoreProcess implements AutoCloseable {

    private static final Path JAR = Path.of("target/quarkus-app/quarkus-run.jar");
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final Path log;
    private final Process process;
    private final int port;

    private StoreProcess(Path log, Process process, int port) {
        this.log = log;
        this.process = process;
        this.port = port;
    }

    /**
     * @param directory of its own
     * @param more settings, as environment variables
     * @param before words of a command that runs the rest of its words
     */
    public static StoreProcess start(
            Path directory, EmbeddedPostgres database, Map<String, String> more, String... before) throws Exception {
        int port = S3Server.freePort();
        String place = "postgresql://127.0.0.1:" + database.getPort() + "/postgres";
        Map<String, String> settings = new HashMap<>();
        settings.put("QUARKUS_HTTP_PORT", Integer.toString(port));
        settings.put("QUARKUS_DATASOURCE_JDBC_URL", "jdbc:" + place);
        settings.put("QUARKUS_DATASOURCE_REACTIVE_URL", place);
        settings.put("QUARKUS_DATASOURCE_USERNAME", "postgres");
        settings.put("QUARKUS_DATASOURCE_PASSWORD", "postgres");
        settings.put("KMODFLEET_STORE_DIRECTORY", directory.toString());
        settings.put("KMODFLEET_STORE_UPKEEP_EVERY", "PT0.5S");
        // Nobody is there: a store without a broker works all the same.
        settings.put("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1");
        settings.putAll(more);
        List<String> command = new ArrayList<>(List.of(before));
        command.addAll(List.of(
                ProcessHandle.current().info().command().orElse("java"),
                settings.getOrDefault("HEAP", "-Xmx128m"),
                "-XX:TieredStopAtLevel=1",
                "-jar",
                JAR.toAbsolutePath().toString()));
        Path log = Files.createTempFile("kmodfleet-store", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().putAll(settings);
        StoreProcess store = new StoreProcess(log, builder.start(), port);
        store.awaitReady();
        return store;
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + port + "/");
    }

    public StoreClient client() {
        return new StoreClient(address());
    }

    public void kill() throws Exception {
        process.toHandle().destroyForcibly();
        process.waitFor();
        Files.deleteIfExists(log);
    }

    private String log() throws IOException {
        return Files.readString(log);
    }

    private void awaitReady() throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!isReady()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                String wrote = log();
                kill();
                throw new IllegalStateException("Expected the store to be ready, but it wrote: " + wrote);
            }
            Thread.sleep(100);
        }
    }

    private boolean isReady() throws InterruptedException {
        try {
            return client().get("/q/health/ready").statusCode() == 200;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            return false;
        }
    }

    @Override
    public void close() throws Exception {
        process.destroy();
        process.waitFor();
        if (Files.exists(log)) {
            assertThat(log()).doesNotContain("OutOfMemoryError");
            Files.delete(log);
        }
    }
}
