package io.kmodfleet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.quarkus.test.junit.main.LaunchResult;
import io.quarkus.test.junit.main.QuarkusMainLauncher;
import io.quarkus.test.junit.main.QuarkusMainTest;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person types, what is asked over HTTP, what is printed, and the exit code. */
@QuarkusMainTest
class KmodfleetIT {

    private static final String HOST = "0123456789abcdef0123456789abcdef";

    private static final Path HISTORY =
            Path.of("../../build-coordinator/src/test/resources/histories/rules-1/random-0.jsonl");

    @TempDir
    Path directory;

    private FakeFleet fleet;
    private QuarkusMainLauncher launcher;

    @BeforeEach
    void start(QuarkusMainLauncher launcher) throws IOException {
        this.fleet = new FakeFleet();
        this.launcher = launcher;
    }

    @AfterEach
    void end() {
        fleet.close();
    }

    @Test
    void help_names_every_command_and_every_exit_code() {
        LaunchResult help = launcher.launch("--help");

        assertThat(help.exitCode()).isZero();
        assertThat(help.getOutput())
                .contains(
                        "source",
                        "policy",
                        "hosts",
                        "packages",
                        "inspect",
                        "decisions",
                        "explain",
                        "audit",
                        "what-if",
                        "ledger",
                        "refusals",
                        "dead-letters",
                        "Exit codes:",
                        "3  coordinator or store not reached");
        assertThat(launcher.launch("--version").getOutput()).startsWith("kmodfleet ");
    }

    @Test
    void wrong_usage_is_2() {
        assertThat(launcher.launch("hostz").exitCode()).isEqualTo(2);
        assertThat(launcher.launch("explain").exitCode()).isEqualTo(2);
        assertThat(launcher.launch("hosts", "-o", "xml").exitCode()).isEqualTo(2);
        LaunchResult noAddress = launcher.launch("hosts", "--coordinator", "127.0.0.1:7070");
        assertThat(noAddress.exitCode()).isEqualTo(2);
    }

    @Test
    void not_reached_is_3_and_says_how_to_start_it() throws IOException {
        int nobody;
        try (ServerSocket socket = new ServerSocket(0)) {
            nobody = socket.getLocalPort();
        }
        LaunchResult hosts = launcher.launch("hosts", "--coordinator", "http://127.0.0.1:" + nobody);
        LaunchResult packages = launcher.launch("packages", "--store", "http://127.0.0.1:" + nobody);

        assertThat(hosts.exitCode()).isEqualTo(3);
        assertThat(hosts.getErrorOutput()).contains("Expected the coordinator at", "deploy/up");
        assertThat(packages.exitCode()).isEqualTo(3);
        assertThat(packages.getErrorOutput()).contains("Expected the store at");
    }

    @Test
    void an_unknown_host_is_4_and_one_of_several_is_1_each_in_the_words_of_the_coordinator() {
        fleet.answers("GET /api/v1/hosts/web/explanation", 409, problem(409, "Expected one host, but 'web' fits two."));

        LaunchResult unknown = run("explain", "nobody");
        LaunchResult several = run("explain", "web");

        assertThat(unknown.exitCode()).isEqualTo(4);
        assertThat(unknown.getErrorOutput()).contains("Expected something else.");
        assertThat(several.exitCode()).isEqualTo(1);
        assertThat(several.getErrorOutput()).contains("'web' fits two");
    }

    @Test
    void the_plan_of_the_store_shows_what_goes_and_why_and_applying_it_wants_a_yes() {
        String plan = """
                {"goes":[{"digest":"sha256:%s","module":"toy","moduleVersion":"1.0","release":"6.1.0-1-amd64","size":2000000,
                "storedAt":"2026-01-01T00:00:00Z","reason":"outdated","detail":"no host has its kernel"}],
                "packages":1,"bytes":2000000,"logs":4,"stay":{"on-hosts":7,"pinned":1}}""".formatted("a".repeat(64));
        fleet.answers("GET /api/v1/retention", 200, plan);
        fleet.answers("POST /api/v1/retention", 200, plan);

        LaunchResult shown = run("store", "plan");
        assertThat(shown.exitCode()).isZero();
        assertThat(shown.getOutput())
                .contains("aaaaaaaaaaaa", "no host has its kernel", "on-hosts", "1 packages would go");

        assertThat(run("store", "apply").exitCode()).isEqualTo(2);
        assertThat(fleet.lastRequest().method()).isEqualTo("GET");
        LaunchResult done = run("store", "apply", "--yes", "--author", "anna");
        assertThat(done.getOutput()).contains("Removed 1 packages and 4 logs, 2.0 MB");
        assertThat(fleet.lastRequest().method()).isEqualTo("POST");
    }

    @Test
    void a_package_is_pinned_by_its_first_digits_with_a_reason() {
        String hex = "ab".repeat(32);
        fleet.answers(
                "GET /api/v1/packages?limit=2&text=abababab", 200, "{\"items\":[{\"digest\":\"sha256:" + hex + "\"}]}");
        fleet.answers("PUT /api/v1/pins/" + hex, 204, "");

        assertThat(run("store", "pin", "abababab").exitCode()).isEqualTo(2);
        LaunchResult pinned = run("store", "pin", "abababab", "--reason", "the court asked");

        assertThat(pinned.exitCode()).isZero();
        assertThat(pinned.getOutput()).contains("abababababab stays");
        assertThat(new String(fleet.lastRequest().body(), StandardCharsets.UTF_8))
                .isEqualTo("{\"reason\":\"the court asked\"}");
    }

    @Test
    void a_host_is_held_with_a_reason_and_released_without_one() {
        fleet.answers("POST /api/v1/hosts/web-1/hold", 200, "{\"position\":17}");
        fleet.answers("POST /api/v1/hosts/web-1/release", 200, "{\"position\":18}");

        assertThat(run("hold", "web-1").exitCode()).isEqualTo(2);
        fleet.answers("POST /api/v1/hosts/web-1/accept", 200, "{\"position\":10}");
        assertThat(run("accept", "web-1").exitCode()).isEqualTo(2);
        assertThat(run("accept", "web-1", "--why", "retired", "--author", "ada").getOutput())
                .contains("Accepted, at position 10");
        LaunchResult held = run("hold", "web-1", "--why", "migrated on Tuesday", "--author", "ada");
        assertThat(new String(fleet.lastRequest().body(), StandardCharsets.UTF_8))
                .isEqualTo("{\"why\":\"migrated on Tuesday\"}");
        LaunchResult released = run("release", "web-1");

        assertThat(held.exitCode()).isZero();
        assertThat(held.getOutput()).contains("position 17", "kmodfleet release web-1");
        assertThat(released.exitCode()).isZero();
        assertThat(released.getOutput()).contains("position 18", "kmodfleet explain web-1");
    }

    @Test
    void packages_are_looked_for_by_what_they_are() {
        fleet.answers(
                "GET /api/v1/packages?limit=1000&module=toy&state=proven&text=6.1.0%20amd64",
                200, "{\"items\":[],\"next\":\"abc\"}");

        LaunchResult found = run("packages", "--module", "toy", "--state", "proven", "6.1.0", "amd64");

        assertThat(found.getOutput()).contains("no such package", "There are more: --after abc");
    }

    @Test
    void refused_bytes_are_saved_for_a_look_and_overwrite_nothing() throws Exception {
        String hex = "cd".repeat(32);
        fleet.answers(
                "GET /api/v1/refusals?limit=1000",
                200,
                "{\"items\":[{\"found\":\"sha256:" + hex + "\",\"kept\":true}]}");
        fleet.answers("GET /api/v1/refusals/" + hex + "/file", 200, "junk");
        Path file = directory.resolve("look");

        assertThat(run("refusals", "fetch", "cdcd", file.toString()).exitCode()).isZero();
        assertThat(file).hasContent("junk");
        assertThat(run("refusals", "fetch", "cdcd", file.toString()).exitCode()).isEqualTo(1);
        assertThat(run("refusals", "fetch", "eeee", directory.resolve("no").toString())
                        .exitCode())
                .isEqualTo(4);
    }

    @Test
    void hosts_are_a_table_for_people_and_the_very_answer_for_programs() throws Exception {
        String answer = """
                {"items":[{"host":"%s","hostname":"web\\u001b[31m-1","os":"debian 12","arch":"x86_64","observeOnly":true,
                 "reportedAt":"2026-01-01T00:00:00Z","kernels":[{"release":"6.1.0-56-amd64","running":true,"image":"sha256:00"}],
                 "decisions":[{"release":"6.1.0-56-amd64","module":"dattobd","decision":"reject","reason":"NO_BUILD_ENVIRONMENT","id":"1/0"}]}]}
                """.formatted(HOST);
        fleet.answers("GET /api/v1/hosts?limit=1000", 200, answer);

        LaunchResult table = run("hosts");
        LaunchResult json = run("hosts", "-o", "json");

        assertThat(table.getOutput())
                .contains("HOST", "0123456789ab", "6.1.0-56-amd64 *", "dattobd", "NO_BUILD_ENVIRONMENT")
                .contains("web?[31m-1")
                .doesNotContain("\u001b");
        assertThat(FleetJson.mapper().readTree(json.getOutput()))
                .isEqualTo(FleetJson.mapper().readTree(answer));
    }

    @Test
    void the_fleet_is_told_at_a_glance() {
        fleet.answers("GET /api/v1/fleet", 200, """
                {"position":86,"hosts":6,"states":{"refused":1,"waiting":0,"unknown":0,"under-way":0,"safe":5},
                 "kernels":[{"value":"6.1.0-56-amd64","hosts":6}],"exposure":[{"words":"under an hour","hosts":1,"share":100}],
                 "longest":[{"host":"%s","hostname":"web-1","safety":"REFUSED","reason":"NO_BUILD_ENVIRONMENT","because":"no compiler"}],
                 "tally":{"builds":2,"failed":1,"reused":4},"savedSeconds":3720}
                """.formatted(HOST));
        fleet.answers("GET /api/v1/fleet?at=soon", 200, "{}");

        LaunchResult now = run("fleet");

        assertThat(now.exitCode()).as(now.getErrorOutput()).isZero();
        assertThat(now.getOutput())
                .contains("6 hosts, at position 86.", "refused    1", "6.1.0-56-amd64  6", "under an hour")
                .contains(
                        "web-1",
                        "NO_BUILD_ENVIRONMENT",
                        "Builds: 2, and 1 that failed. Reused: 4, which saved 1 h 2 min");
        assertThat(run("fleet", "--at", "soon").exitCode()).isEqualTo(2);
    }

    @Test
    void hosts_are_filtered_as_on_the_page_page_after_page_and_without_a_coordinator_too() {
        String asked = "GET /api/v1/fleet/hosts?limit=1000&state=refused&label=room%3Db12&q=web";
        String line = "{\"items\":[{\"host\":\"" + HOST
                + "\",\"hostname\":\"%s\",\"safety\":\"REFUSED\",\"because\":\"no compiler\"}]%s}";
        fleet.answers(asked, 200, line.formatted("web-1", ",\"next\":\"0-1\""));
        fleet.answers(asked + "&after=0-1", 200, line.formatted("web-2", ""));

        LaunchResult found = run("hosts", "--state", "refused", "--label", "room=b12", "WEB");
        LaunchResult elsewhere = run("hosts", "--state", "safe", "--file", HISTORY.toString(), "-o", "json");
        LaunchResult wrong = run("hosts", "--state", "bad");

        assertThat(found.exitCode()).as(found.getErrorOutput()).isZero();
        assertThat(found.getOutput()).contains("web-1", "web-2", "refused", "no compiler");
        assertThat(elsewhere.exitCode()).as(elsewhere.getErrorOutput()).isZero();
        assertThat(elsewhere.getOutput()).contains("\"safety\" : \"SAFE\"").doesNotContain("REFUSED");
        assertThat(wrong.exitCode()).isEqualTo(2);
        assertThat(wrong.getErrorOutput()).contains("under-way");
    }

    @Test
    void targets_are_a_list_or_a_matrix() {
        fleet.answers("GET /api/v1/targets?limit=1000", 200, """
                {"items":[
                 {"target":{"source":"sha256:%1$s","arch":"x86_64","release":"6.1.0-1-amd64","image":"sha256:%1$s"},"module":"toy",
                  "moduleVersion":"1.0","state":"differs","failures":[],"hosts":7,"waiting":0,
                  "packages":[{"digest":"sha256:%1$s","proven":true}]},
                 {"target":{"source":"sha256:%1$s","arch":"x86_64","release":"6.1.0-2-amd64","image":"sha256:%1$s"},"module":"toy",
                  "moduleVersion":"1.0","state":"failed","failures":[{"error":"no"}],"hosts":2,"waiting":2,"packages":[]}]}
                """.formatted("ab".repeat(32)));

        LaunchResult list = run("targets");
        LaunchResult matrix = run("targets", "--matrix", "--kernel", "6.1.0-2-amd64");

        assertThat(list.getOutput()).contains("toy 1.0  differs", "failed   2", "abababababab");
        assertThat(matrix.getOutput())
                .contains("toy 1.0", "6.1.0-2-amd64", "failed")
                .doesNotContain("6.1.0-1-amd64");
    }

    @Test
    void policies_are_listed_and_compared() throws Exception {
        fleet.answers(
                "GET /api/v1/policy/versions?limit=50",
                200,
                "{\"items\":[{\"position\":7,\"author\":\"ada\",\"at\":\"2026-11-24T03:00:00Z\",\"inForceAt\":8}]}");
        fleet.answers("GET /api/v1/policy", 200, "schema: 1\nplatformRelease: \"6.10\"\n");
        fleet.answers("GET /api/v1/policy/versions/7", 200, "schema: 1\nplatformRelease: \"6.9\"\n");

        LaunchResult history = run("policy", "history");
        LaunchResult older = run("policy", "diff", "7");
        LaunchResult same = run("policy", "diff", "--from", "7", "7");

        assertThat(history.getOutput()).contains("POSITION", "7", "ada", "since 8");
        assertThat(older.exitCode()).isEqualTo(1);
        assertThat(older.getOutput()).contains("-platformRelease: \"6.10\"", "+platformRelease: \"6.9\"");
        assertThat(same.exitCode()).isZero();
        assertThat(run("policy", "get", "--version", "7").getOutput()).contains("6.9");
        assertThat(run("policy", "diff", "8").exitCode()).isEqualTo(4);
    }

    @Test
    void an_explanation_tells_what_is_missing_and_what_mends_it() {
        fleet.answers("GET /api/v1/hosts/web-1/explanation", 200, """
                {"host":"%s","hostname":"web-1","answers":[{"id":"7/0","at":"2026-01-01T00:00:00Z","release":"6.1.0-56-amd64",
                 "module":"dattobd","decision":"reject","reason":"NO_BUILD_ENVIRONMENT","text":"Nobody can build it.",
                 "change":"A host with dkms.","facts":[{"name":"image","value":"sha256:00"}],
                 "missing":[{"piece":"DKMS","passed":false,"found":"no dkms","remedy":"apt-get install dkms"}]}]}
                """.formatted(HOST));

        LaunchResult why = run("explain", "web-1");

        assertThat(why.exitCode()).isZero();
        assertThat(why.getOutput())
                .contains("web-1 (" + HOST + ")", "Nobody can build it.", "apt-get install dkms", "A host with dkms.");
    }

    @Test
    void decisions_are_asked_for_as_typed() {
        fleet.answers("GET /api/v1/decisions?limit=3&host=web%201", 200, "{\"items\":[]}");

        LaunchResult decisions = run("decisions", "--host", "web 1", "--limit", "3");

        assertThat(decisions.exitCode()).isZero();
        assertThat(decisions.getOutput()).contains("Nothing was decided yet.");
    }

    @Test
    void empty_lists_say_so() {
        for (String list : List.of("packages?limit=1000", "refusals", "dead-letters", "sources?limit=1000")) {
            fleet.answers("GET /api/v1/" + list, 200, "{\"items\":[]}");
        }
        assertThat(run("packages").getOutput()).contains("no package yet");
        assertThat(run("refusals").getOutput()).contains("refused nothing");
        assertThat(run("dead-letters").getOutput()).contains("no dead letter");
        assertThat(run("source", "list").getOutput()).contains("No source is published");
    }

    @Test
    void a_source_is_packed_uploaded_under_its_digest_and_its_policy_lines_are_printed() throws Exception {
        Path tree = tree("PACKAGE_NAME=toy\nPACKAGE_VERSION=1.0\nNO_WEAK_MODULES=yes\n");
        Digest digest = Digest.of(SourceCommand.packed(tree));
        fleet.answers("PUT /api/v1/sources/" + digest.hex(), 201, "");

        LaunchResult published = run("source", "publish", tree.toString());

        assertThat(published.exitCode()).isZero();
        assertThat(Digest.of(fleet.lastRequest().body())).isEqualTo(digest);
        assertThat(published.getOutput())
                .contains("toy 1.0 is published", "- name: toy", "source: " + digest, "binding: EXACT_IMAGE");
    }

    @Test
    void a_source_that_is_none_is_1_before_anything_is_sent() throws Exception {
        Path noVersion = tree("PACKAGE_NAME=toy\n");
        Path noConf = Files.createDirectories(directory.resolve("empty"));

        LaunchResult unfit = run("source", "publish", noVersion.toString());
        LaunchResult empty = run("source", "publish", noConf.toString());
        LaunchResult absent = run("source", "publish", "/no/such/place");

        assertThat(unfit.exitCode()).isEqualTo(1);
        assertThat(unfit.getErrorOutput()).contains("PACKAGE_VERSION");
        assertThat(empty.exitCode()).isEqualTo(1);
        assertThat(empty.getErrorOutput()).contains("dkms.conf");
        assertThat(absent.exitCode()).isEqualTo(4);
    }

    @Test
    void what_the_store_refuses_is_1_with_rule_and_reason() throws Exception {
        Path tree = tree("PACKAGE_NAME=toy\nPACKAGE_VERSION=1.0\n");
        fleet.answers(
                "PUT /api/v1/sources/" + Digest.of(SourceCommand.packed(tree)).hex(),
                422,
                "{\"title\":\"Refused\",\"status\":422,\"rule\":\"WRONG_MEMBERS\",\"detail\":\"Expected other members.\"}");

        LaunchResult refused = run("source", "publish", tree.toString());

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.getErrorOutput()).contains("WRONG_MEMBERS: Expected other members.");
    }

    @Test
    void a_policy_is_read_here_first_and_then_published_with_its_author() throws Exception {
        Path good = Files.writeString(directory.resolve("good.yaml"), """
                schema: 1
                platformRelease: "6.10"
                kernels: {from: "5.15", to: "6.8"}
                architectures: [x86_64]
                systems: []
                modules: []
                limits: {failuresPerTarget: 2}
                """);
        Path bad = Files.writeString(
                directory.resolve("bad.yaml"), Files.readString(good).replace("architectures", "architekturen"));
        fleet.answers("PUT /api/v1/policy", 200, "{\"position\":7}");

        LaunchResult set = run("policy", "set", "--author", "ada", good.toString());
        LaunchResult wrong = run("policy", "set", bad.toString());

        assertThat(set.exitCode()).as(set.getErrorOutput()).isZero();
        assertThat(set.getOutput()).contains("position 7");
        assertThat(fleet.lastRequest().headers().get("Kmodfleet-author")).containsExactly("ada");
        assertThat(new String(fleet.lastRequest().body(), StandardCharsets.UTF_8))
                .isEqualTo(Files.readString(good));
        assertThat(wrong.exitCode()).isEqualTo(1);
        assertThat(wrong.getErrorOutput()).contains("bad.yaml:", "Expected a list 'architectures'");
        assertThat(run("policy", "set", directory.resolve("none").toString()).exitCode())
                .isEqualTo(4);
    }

    @Test
    void a_policy_that_waits_says_for_how_many_and_is_printed_and_approved_by_somebody_else() throws Exception {
        Path good = Files.writeString(directory.resolve("good.yaml"), """
                schema: 1
                platformRelease: "6.10"
                kernels: {from: "5.15", to: "6.8"}
                architectures: [x86_64]
                systems: []
                modules: []
                limits: {failuresPerTarget: 2}
                """);
        fleet.answers("PUT /api/v1/policy", 200, "{\"position\":7,\"inForce\":false,\"approvalsMissing\":1}");
        fleet.answers(
                "GET /api/v1/policy/proposal",
                200,
                "{\"position\":7,\"author\":\"ada\",\"approvers\":[],\"approvalsMissing\":1,\"policy\":{\"schema\":1}}");
        fleet.answers("POST /api/v1/policy/approve", 200, "{\"position\":7,\"inForce\":true,\"approvalsMissing\":0}");

        LaunchResult set = run("policy", "set", "--author", "ada", good.toString());
        LaunchResult proposal = run("policy", "proposal");
        LaunchResult approve = run("policy", "approve", "7", "--author", "grace");

        assertThat(set.getOutput()).contains("waits for approval by 1 other person: kmodfleet policy approve 7");
        assertThat(proposal.getOutput()).contains("# Published by ada at position 7", "schema: 1");
        assertThat(approve.getOutput()).contains("is in force", "position 7");
        assertThat(fleet.lastRequest().headers().get("Kmodfleet-author")).containsExactly("grace");
        assertThat(new String(fleet.lastRequest().body(), StandardCharsets.UTF_8))
                .isEqualTo("{\"position\":7}");
    }

    @Test
    void the_policy_in_force_is_printed_as_the_coordinator_keeps_it() {
        fleet.answers("GET /api/v1/policy", 200, "schema: 1\n");

        LaunchResult yaml = run("policy", "get");

        assertThat(yaml.getOutput()).contains("schema: 1");
        assertThat(fleet.lastRequest().headers().get("Accept")).containsExactly("application/yaml");
        run("policy", "get", "-o", "json");
        assertThat(fleet.lastRequest().headers().get("Accept")).containsExactly("application/json");
    }

    @Test
    void an_audit_is_0_where_nothing_is_wrong_and_4_where_something_is_wherever_the_ledger_comes_from()
            throws Exception {
        List<String> rows = Files.readAllLines(HISTORY);
        Path whole = Files.write(directory.resolve("whole.jsonl"), rows);
        Path gap = directory.resolve("gap.jsonl");
        Files.write(gap, rows.subList(0, 4));
        Files.write(gap, rows.subList(5, 9), StandardOpenOption.APPEND);
        Path cut = Files.writeString(
                directory.resolve("cut.jsonl"), Files.readString(whole).substring(0, 9_000));
        fleet.ledger(Files.readString(whole), rows.size());

        LaunchResult database = run("audit", "-o", "json");
        assertThat(database.exitCode()).as(database.getErrorOutput()).isZero();
        assertThat(FleetJson.mapper()
                        .readTree(database.getOutput())
                        .path("entries")
                        .asInt())
                .isEqualTo(85);
        assertThat(run("audit", "--file", whole.toString()).getOutput()).contains("✔ Nothing is wrong.");
        LaunchResult missing = run("audit", "--file", gap.toString());
        assertThat(missing.exitCode()).isEqualTo(4);
        assertThat(missing.getOutput()).contains("position 5", "but it is missing", "✘ 1 thing is wrong.");
        LaunchResult half = run("audit", "--file", cut.toString());
        assertThat(half.exitCode()).isEqualTo(4);
        assertThat(half.getOutput()).contains("ends in the middle");
    }

    @Test
    void what_cannot_be_audited_is_3_or_4_or_2_and_never_called_right() throws Exception {
        List<String> rows = Files.readAllLines(HISTORY);
        fleet.ledger(String.join("\n", rows.subList(0, 10)) + "\n", 85);

        LaunchResult brokeOff = run("audit");
        assertThat(brokeOff.exitCode()).isEqualTo(3);
        assertThat(brokeOff.getErrorOutput()).contains("ends at position 10");
        assertThat(run("ledger", "export", directory.resolve("part.jsonl.gz").toString())
                        .exitCode())
                .isEqualTo(3);
        assertThat(directory).isEmptyDirectory();
        assertThat(run("audit", "--file", "/no/such/file").exitCode()).isEqualTo(4);
        assertThat(run("audit", "--from", "5", "--to", "2").exitCode()).isEqualTo(2);
        assertThat(run("audit", "--file", HISTORY.toString(), "--topic").exitCode())
                .isEqualTo(2);
        assertThat(run("explain", "b2", "--at", "yesterday").exitCode()).isEqualTo(2);
    }

    @Test
    void an_export_is_compressed_by_its_name_whoever_compresses_it() throws Exception {
        fleet.ledger(Files.readString(HISTORY), 85);
        Path file = directory.resolve("ledger.jsonl.gz");

        LaunchResult export = run("ledger", "export", file.toString());

        assertThat(export.exitCode()).as(export.getErrorOutput()).isZero();
        assertThat(Files.readAllBytes(file)).startsWith(0x1f, 0x8b);
        assertThat(run("audit", "--file", file.toString()).exitCode()).isZero();
    }

    @Test
    void a_host_is_explained_as_it_was() {
        LaunchResult early = run("explain", "b2", "--file", HISTORY.toString(), "--at", "4");
        LaunchResult before = run("explain", "b2", "--file", HISTORY.toString(), "--at", "3");

        assertThat(early.getOutput()).contains("NO_BUILD_ENVIRONMENT", "apt-get install dkms");
        assertThat(before.exitCode()).isEqualTo(4);
        assertThat(before.getErrorOutput()).contains("after position 3 no host is called 'b2'");
    }

    @Test
    void another_policy_is_tried_and_a_wrong_one_is_refused_with_its_line() throws Exception {
        Path narrow = Files.writeString(directory.resolve("narrow.yaml"), """
                schema: 1
                platformRelease: "6.10"
                kernels: {from: "6.2", to: "6.8"}
                architectures: [x86_64]
                systems: [{id: debian, version: "12", since: "6.7"}]
                modules: []
                limits: {failuresPerTarget: 2}
                """);
        Path wrong = Files.writeString(
                directory.resolve("wrong.yaml"), Files.readString(narrow).replace("\"6.2\"", "\"7.2\""));

        LaunchResult whatIf = run("what-if", "--policy", narrow.toString(), "--file", HISTORY.toString());
        LaunchResult refused = run("what-if", "--policy", wrong.toString(), "--file", HISTORY.toString());
        LaunchResult sameRefused = run("policy", "set", wrong.toString());

        assertThat(whatIf.exitCode()).as(whatIf.getErrorOutput()).isZero();
        assertThat(whatIf.getOutput()).contains("would change the answer for 6 of 6 hosts");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.getErrorOutput()).contains("wrong.yaml:3:").isEqualTo(sameRefused.getErrorOutput());
    }

    private LaunchResult run(String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        line.addAll(List.of("--coordinator", fleet.address(), "--store", fleet.address()));
        return launcher.launch(line.toArray(String[]::new));
    }

    private Path tree(String conf) throws IOException {
        Path tree = Files.createDirectories(directory.resolve("tree"));
        Files.writeString(tree.resolve("dkms.conf"), conf);
        Files.writeString(tree.resolve("toy.c"), "int toy;");
        return tree;
    }

    private static String problem(int status, String detail) {
        return "{\"title\":\"Ambiguous\",\"status\":" + status + ",\"detail\":\"" + detail + "\"}";
    }
}
