package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.Stack.Second;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two coordinators of one ledger, and a database that ends their sessions. */
class StandByIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private RecordedDay day;

    @BeforeEach
    void start() throws Exception {
        day = RecordedDay.begin(directory);
    }

    @AfterEach
    void end() throws Exception {
        if (day != null) {
            day.close();
        }
    }

    @Test
    void one_is_active_the_other_says_that_it_stands_by_and_takes_over_where_the_first_was_killed() throws Exception {
        URI first = day.stack().coordinatorUrl();
        Second second = day.stack().startSecondCoordinator();
        assertThat(roleOf(first)).contains("active");
        assertThat(roleOf(second.url())).contains("standby");

        day.stack().kill(Stack.COORDINATOR);
        day.publish(List.of(day.reportedAgain(0)));

        awaitEntries(day.published().size() + 1);
        assertThat(roleOf(second.url())).contains("active");
        day.stack().startAgain(Stack.COORDINATOR);
        assertThat(roleOf(first)).contains("standby");
        assertThat(day.kmodfleet("hosts").exitCode()).isZero();
        assertThat(day.kmodfleet(
                                "audit",
                                "--completeness",
                                "--kafka",
                                day.stack().kafka())
                        .exitCode())
                .isZero();
    }

    @Test
    void a_coordinator_whose_sessions_the_database_ends_goes_on_by_itself_and_loses_nothing() throws Exception {
        for (int round = 0; round < 5; round++) {
            day.number("select count(pg_terminate_backend(pid)) from pg_stat_activity"
                    + " where datname = 'coordinator' and pid <> pg_backend_pid()");
            day.publish(List.of(day.reportedAgain(round)));
        }

        awaitEntries(day.published().size() + 1);
        // Its lock went with the last session that was ended; it takes it again.
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!roleOf(day.stack().coordinatorUrl()).equals(Optional.of("active"))) {
            assertThat(System.nanoTime()).as("active again").isLessThan(end);
            Thread.sleep(100);
        }
        assertThat(day.kmodfleet(
                                "audit",
                                "--completeness",
                                "--kafka",
                                day.stack().kafka())
                        .exitCode())
                .isZero();
    }

    private void awaitEntries(long entries) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (day.number("select count(*) from ledger") < entries) {
            assertThat(System.nanoTime()).as("%d entries", entries).isLessThan(end);
            Thread.sleep(100);
        }
    }

    /** As its readiness says, once it is ready. */
    private static Optional<String> roleOf(URI coordinator) throws IOException, InterruptedException {
        HttpRequest ready =
                HttpRequest.newBuilder(coordinator.resolve("/q/health/ready")).build();
        for (int i = 0; i < 100; i++) {
            HttpResponse<byte[]> answer =
                    HttpClient.newHttpClient().send(ready, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() == 200) {
                return Optional.ofNullable(FleetJson.mapper()
                        .readTree(answer.body())
                        .findValue("role")
                        .asText());
            }
            Thread.sleep(100);
        }
        return Optional.empty();
    }
}
