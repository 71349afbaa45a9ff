package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.deploy.demo.Rehearsal.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The auditor's commands against a ledger in PostgreSQL, with somebody who changes rows of it by hand. */
class AuditIT {

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
    void what_the_coordinator_recorded_is_decided_again_and_an_export_says_the_same_as_the_database() throws Exception {
        Path plain = directory.resolve("ledger.jsonl");
        Path compressed = directory.resolve("ledger.jsonl.gz");

        JsonNode database = audit(0);
        assertThat(kmodfleet("ledger", "export", plain.toString()).exitCode()).isZero();
        assertThat(kmodfleet("ledger", "export", compressed.toString()).exitCode())
                .isZero();

        assertThat(database.path("entries").asInt()).isEqualTo(86);
        assertThat(database.path("decidedAgain").asInt()).isEqualTo(86);
        assertThat(database.path("chain").asText()).startsWith("sha256:");
        assertThat(database.path("findings")).isEmpty();
        assertThat(audit(0, "--file", plain.toString())).isEqualTo(database);
        assertThat(audit(0, "--file", compressed.toString())).isEqualTo(database);
        assertThat(Files.size(compressed)).isLessThan(Files.size(plain) / 4);
    }

    @Test
    void every_observation_of_the_topic_is_in_the_ledger_or_named() throws Exception {
        Envelope last = day.published().get(day.published().size() - 1);
        day.publish(List.of(day.published().get(4), numbered(last, last.sequence() + 3)));
        day.publishJunk();
        Envelope next = numbered(last, last.sequence() + 1);
        day.publish(List.of(next));
        day.awaitPosition(day.published().size() + 2L);

        JsonNode report = audit(0, "--completeness");

        JsonNode sum = report.path("completeness");
        assertThat(sum.path("records").asInt()).isEqualTo(day.published().size() + 5);
        assertThat(sum.path("inLedger").asInt()).isEqualTo(day.published().size() + 2);
        assertThat(sum.path("repeats").asInt()).isEqualTo(1);
        assertThat(sum.path("waiting").asInt()).isEqualTo(1);
        assertThat(sum.path("deadLetters").asInt()).isEqualTo(1);
        assertThat(report.path("counts").path("not-taken").asInt()).isEqualTo(1);
        assertThat(report.path("counts").path("dead-letter").asInt()).isEqualTo(1);
        assertThat(report.path("wrong").asInt()).isZero();
    }

    @Test
    void a_row_that_somebody_changed_took_away_or_spoiled_is_named_with_its_position() throws Exception {
        Path before = directory.resolve("before.jsonl.gz");
        kmodfleet("ledger", "export", before.toString());

        sql("update ledger set observation = replace(observation, 'Debian 12', 'Debian 21') where position = 5");
        JsonNode changed = audit(4);
        assertThat(changed.path("wrong").asInt()).isEqualTo(1);
        assertThat(changed.at("/findings/0/finding").asText()).isEqualTo("chain-broken");
        assertThat(changed.at("/findings/0/where").asText()).isEqualTo("position 5");

        sql("update ledger set decisions = '[{\"decision\":\"keep\"' where position = 20");
        sql("delete from ledger where position = 30");
        JsonNode more = audit(4);
        assertThat(found(more))
                .containsExactlyInAnyOrder(
                        "chain-broken position 5", "entry-unreadable position 20", "positions-missing position 30");

        // What is not in the ledger any more is still on the topic.
        JsonNode complete = audit(4, "--completeness");
        Envelope gone = day.published().get(30 - 2);
        assertThat(complete.path("findings").toString())
                .contains("\"source\":\"" + gone.source() + "\",\"epoch\":1,\"sequence\":" + gone.sequence());
        assertThat(found(audit(0, "--file", before.toString()))).isEmpty();
    }

    @Test
    void the_fleet_is_shown_as_it_was_and_as_it_would_be() throws Exception {
        JsonNode now = kmodfleet("hosts", "-o", "json").json();
        JsonNode folded = kmodfleet("hosts", "--at", "999", "-o", "json").json();
        JsonNode early = kmodfleet("hosts", "--at", "5", "-o", "json").json();
        JsonNode state = kmodfleet("audit", "state", "--at", "40", "-o", "json").json();
        JsonNode why = kmodfleet("explain", "b2", "-o", "json").json();

        assertThat(folded).isEqualTo(now);
        assertThat(early.path("items")).hasSize(2);
        assertThat(state.path("position").asInt()).isEqualTo(40);
        assertThat(state.path("targets")).hasSize(1);
        assertThat(kmodfleet("explain", "b2", "--at", "999", "-o", "json").json())
                .isEqualTo(why);

        // In the middle of it, when only some have the module.
        String morning = directory.resolve("morning.jsonl").toString();
        kmodfleet("ledger", "export", morning, "--to", "20");
        Path narrow = directory.resolve("narrow.yaml");
        String policy = FleetJson.yaml()
                .writeValueAsString(FleetJson.mapper()
                        .readTree(Files.readAllLines(RecordedDay.HISTORY).get(1))
                        .at("/envelope/observation/policy"));
        Files.writeString(narrow, policy.replaceFirst("from: \"?5.15\"?", "from: \"6.2\""));
        JsonNode whatIf = kmodfleet("what-if", "--policy", narrow.toString(), "--file", morning, "-o", "json")
                .json();
        Set<String> concerned = new TreeSet<>();
        for (JsonNode host :
                kmodfleet("hosts", "--file", morning, "-o", "json").json().path("items")) {
            for (JsonNode decision : host.path("decisions")) {
                if (!decision.path("reason").asText().equals("UP_TO_DATE")) {
                    concerned.add(host.path("host").asText());
                }
            }
        }
        assertThat(concerned).isNotEmpty();
        assertThat(whatIf.path("changes").findValuesAsText("host")).containsExactlyElementsOf(concerned);
        assertThat(whatIf.path("summary").asText()).contains("would change the answer for " + concerned.size() + " of");
        assertThat(kmodfleet("audit", "-o", "json").json().path("entries").asInt())
                .as("nothing was published")
                .isEqualTo(86);

        Files.writeString(narrow, "schema: 1\nkernels: {from: \"6.2\", to: \"5.1\"}\n");
        Outcome wrong = kmodfleet("what-if", "--policy", narrow.toString());
        assertThat(wrong.exitCode()).isEqualTo(1);
        assertThat(wrong.output()).contains("narrow.yaml:2: Expected a kernel range from low to high");
    }

    private JsonNode audit(int exitCode, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(
                List.of("audit", "-o", "json", "--kafka", day.stack().kafka()));
        arguments.addAll(List.of(more));
        Outcome outcome = kmodfleet(arguments.toArray(String[]::new));
        assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(exitCode);
        return FleetJson.mapper().readTree(outcome.output());
    }

    private Outcome kmodfleet(String... arguments) throws Exception {
        return day.kmodfleet(arguments);
    }

    /** What is wrong, and where. */
    private static List<String> found(JsonNode report) {
        List<String> found = new ArrayList<>();
        for (JsonNode finding : report.path("findings")) {
            if (!finding.has("after")) {
                found.add(finding.path("finding").asText() + " "
                        + finding.path("where").asText());
            }
        }
        return found;
    }

    private static Envelope numbered(Envelope envelope, long sequence) {
        return new Envelope(envelope.source(), envelope.epoch(), sequence, envelope.at(), envelope.observation());
    }

    private void sql(String statement) throws Exception {
        assertThat(day.change(statement)).isEqualTo(1);
    }
}
