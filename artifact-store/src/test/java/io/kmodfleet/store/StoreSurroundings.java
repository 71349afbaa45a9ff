package io.kmodfleet.store;

import static java.util.Map.entry;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What the store needs around it: a real PostgreSQL, a real broker, a directory in which something was left behind. */
public class StoreSurroundings implements QuarkusTestResourceLifecycleManager {

    private Path directory;
    private EmbeddedPostgres database;
    private TestBroker broker;
    private FakeCoordinator coordinator;

    @Override
    public Map<String, String> start() {
        try {
            directory = Files.createTempDirectory("kmodfleet-store");
            Files.createDirectories(directory.resolve("store/incoming"));
            Files.writeString(directory.resolve("store/incoming/left-behind.part"), "half of a file");
            database = EmbeddedPostgres.builder().start();
            broker = new TestBroker(Files.createDirectories(directory.resolve("kafka"))).start();
            coordinator = new FakeCoordinator();
        } catch (IOException e) {
            throw new UncheckedIOException("Expected a database and a broker to start", e);
        }
        String place = "postgresql://127.0.0.1:" + database.getPort() + "/postgres";
        return Map.ofEntries(
                entry("quarkus.http.test-port", "0"),
                // The broker lives in the same process and talks a lot.
                entry("quarkus.log.level", "ERROR"),
                entry("quarkus.log.category.\"io.kmodfleet\".level", "INFO"),
                entry("quarkus.datasource.jdbc.url", "jdbc:" + place),
                entry("quarkus.datasource.reactive.url", place),
                entry("quarkus.datasource.username", "postgres"),
                entry("quarkus.datasource.password", "postgres"),
                entry("kafka.bootstrap.servers", broker.address()),
                entry("kmodfleet.store.directory", directory.resolve("store").toString()),
                entry("kmodfleet.store.coordinator", coordinator.address()),
                entry("kmodfleet.store.standings-every", "PT2S"),
                entry("kmodfleet.store.retention.versions", "1"),
                entry("kmodfleet.store.retention.minimum-age", "PT1S"),
                entry("kmodfleet.store.upkeep-every", "PT0.5S"),
                entry("kmodfleet.store.scrub.window", "PT1S"),
                entry("kmodfleet.store.strays-after", "PT3S"),
                // So that a test sees in seconds what takes half a minute otherwise.
                entry("mp.messaging.outgoing.observations.max.block.ms", "2000"),
                entry("mp.messaging.outgoing.observations.request.timeout.ms", "1500"),
                entry("mp.messaging.outgoing.observations.delivery.timeout.ms", "2500"));
    }

    @Override
    public void inject(TestInjector injector) {
        injector.injectIntoFields(broker, new TestInjector.MatchesType(TestBroker.class));
        injector.injectIntoFields(coordinator, new TestInjector.MatchesType(FakeCoordinator.class));
    }

    @Override
    public void stop() {
        try {
            if (coordinator != null) {
                coordinator.close();
            }
            if (broker != null) {
                broker.close();
            }
            if (database != null) {
                database.close();
            }
            TestFiles.deleteAll(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("Expected to clear up", e);
        }
    }
}
