package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.deploy.demo.Rehearsal.Outcome;
import io.kmodfleet.deploy.standalone.Stack;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator asks for and orders, against a real coordinator, its PostgreSQL and its Kafka. */
class OperatorIT {

    private static final Instant AT = Instant.parse("2026-11-24T03:00:00Z");

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
    void the_same_error_on_two_hosts_is_one_line_whatever_differs_from_host_to_host() throws Exception {
        day.publish(List.of(
                failedLike(1, "/var/lib/dkms/x/1/build/main.c:90:8: error: no member named 'bi_bdev'"),
                failedLike(2, "/usr/src/x-1/main.c:91:8: error: no member named 'bi_bdev'")));
        day.awaitPosition(day.published().size() + 3L);

        JsonNode items = day.kmodfleet("failures", "-o", "json").json().path("items");

        assertThat(items).hasSize(1);
        assertThat(items.get(0).path("hosts").asInt()).isEqualTo(2);
        assertThat(items.get(0).path("times").asInt()).isEqualTo(2);
        assertThat(items.get(0).path("error").asText()).isEqualTo("…/main.c: error: no member named 'bi_bdev'");
        assertThat(day.kmodfleet("failures").output()).contains("2", "no member named 'bi_bdev'");
    }

    @Test
    void a_package_is_recalled_by_the_digits_that_people_see_and_every_host_that_has_it_is_answered() throws Exception {
        Observation.PackageStored stored = day.published().stream()
                .map(Envelope::observation)
                .filter(Observation.PackageStored.class::isInstance)
                .map(Observation.PackageStored.class::cast)
                .findFirst()
                .orElseThrow();
        String digits = stored.packageDigest().brief();
        // Somebody else has spoken to another coordinator with a later counting.
        long later = System.currentTimeMillis() + 3_600_000;
        day.publish(List.of(new Envelope(
                Envelope.OPERATOR,
                later,
                1,
                AT,
                new Observation.RetryRequested("eve", Optional.empty(), Optional.of(stored.target())))));
        day.awaitPosition(day.published().size() + 2L);

        Outcome looked = day.kmodfleet("recall", digits);
        Outcome unknown = day.kmodfleet("recall", "0123456789");
        Outcome few = day.kmodfleet("recall", digits.substring(0, 4));
        JsonNode recalled = day.kmodfleet(
                        "recall", digits, "--yes", "--why", "panics on resume", "--author", "ada", "-o", "json")
                .json();

        assertThat(looked.exitCode()).isZero();
        assertThat(looked.output()).contains("Nothing was recalled");
        assertThat(unknown.exitCode()).isEqualTo(4);
        assertThat(unknown.output()).contains("knows none that begins with 0123456789");
        assertThat(few.exitCode()).isNotZero();
        assertThat(few.output()).contains("Expected 8 to 64");
        assertThat(recalled.path("position").asLong())
                .isGreaterThan(day.published().size());
        assertThat(recalled.path("hosts")).isNotEmpty();
        for (JsonNode host : recalled.path("hosts")) {
            assertThat(day.kmodfleet("explain", host.path("host").asText()).output())
                    .contains("panics on resume");
        }
        assertThat(day.kmodfleet(
                                "audit",
                                "--completeness",
                                "--kafka",
                                day.stack().kafka())
                        .exitCode())
                .isZero();
    }

    @Test
    void a_held_host_is_told_who_wants_that_and_why_also_after_a_restart_and_a_released_one_is_decided_afresh()
            throws Exception {
        String host = day.kmodfleet("hosts", "-o", "json")
                .json()
                .path("items")
                .get(0)
                .path("host")
                .asText();
        JsonNode before = day.kmodfleet("explain", host, "-o", "json").json();

        Outcome early = day.kmodfleet("release", host);
        Outcome unknown = day.kmodfleet("hold", "nobody", "--why", "no such host");
        Outcome held = day.kmodfleet("hold", host, "--why", "migrated on Tuesday", "--author", "ada");
        day.stack().end(Stack.COORDINATOR);
        day.stack().startAgain(Stack.COORDINATOR);
        Outcome other = day.kmodfleet("hold", host, "--why", "migrated on Wednesday", "--author", "bob");
        String told = day.kmodfleet("explain", host).output();
        Outcome released = day.kmodfleet("release", host);

        assertThat(early.exitCode()).isEqualTo(1);
        assertThat(early.output()).contains("nobody holds");
        assertThat(unknown.exitCode()).isEqualTo(4);
        assertThat(held.exitCode()).as(held.output()).isZero();
        assertThat(other.exitCode()).as(other.output()).isZero();
        assertThat(told).containsAnyOf("bob wants this host to be left as it is", "UP_TO_DATE");
        assertThat(released.exitCode()).as(released.output()).isZero();
        assertThat(withoutIds(day.kmodfleet("explain", host, "-o", "json").json()))
                .isEqualTo(withoutIds(before));
        assertThat(day.kmodfleet("audit").exitCode()).isZero();
    }

    /** An answer that was given anew has another id and another time. */
    private static String withoutIds(JsonNode explanation) {
        return explanation.findValuesAsText("reason").toString();
    }

    @Test
    void a_coordinator_that_took_nothing_since_its_start_leaves_a_snapshot_and_begins_with_it() throws Exception {
        long entries = day.number("select max(position) from ledger");
        day.stack().kill(Stack.COORDINATOR);
        assertThat(day.number("select count(*) from snapshot")).isZero();

        day.stack().startAgain(Stack.COORDINATOR);
        JsonNode hosts = day.kmodfleet("hosts", "-o", "json").json();
        day.stack().end(Stack.COORDINATOR);
        assertThat(day.number("select max(position) from snapshot")).isEqualTo(entries);

        // What the snapshot stands for is not read any more.
        day.change("update ledger set decisions = 'not read' where position < 5");
        day.stack().startAgain(Stack.COORDINATOR);
        assertThat(day.kmodfleet("hosts", "-o", "json").json()).isEqualTo(hosts);
        day.stack().end(Stack.COORDINATOR);
        assertThat(day.number("select count(*) from snapshot")).isEqualTo(1);
    }

    /** A build that nobody ordered: it counts for no decision, but whoever looks for errors sees it. */
    private Envelope failedLike(int host, String error) {
        List<Envelope> reports = day.published().stream()
                .filter(envelope -> envelope.observation() instanceof Observation.HostReported)
                .toList();
        List<String> sources =
                reports.stream().map(Envelope::source).distinct().sorted().toList();
        String source = sources.get(host);
        Envelope last = reports.stream()
                .filter(envelope -> envelope.source().equals(source))
                .reduce((first, second) -> second)
                .orElseThrow();
        long sequence = day.published().stream()
                .filter(envelope -> envelope.source().equals(source))
                .mapToLong(Envelope::sequence)
                .max()
                .orElseThrow();
        Observation.PackageStored stored = day.published().stream()
                .map(Envelope::observation)
                .filter(Observation.PackageStored.class::isInstance)
                .map(Observation.PackageStored.class::cast)
                .findFirst()
                .orElseThrow();
        return new Envelope(
                source,
                last.epoch(),
                sequence + 1,
                AT,
                new Observation.BuildFailed(
                        ((Observation.HostReported) last.observation()).host(),
                        new DecisionId(1, 0),
                        stored.target(),
                        Observation.FailureClass.BUILD,
                        Optional.of(2),
                        error,
                        Optional.empty()));
    }
}
