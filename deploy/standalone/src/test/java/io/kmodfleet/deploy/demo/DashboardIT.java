package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.deploy.standalone.Stack;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/** The dashboard in a real browser, before a real coordinator with its database and broker. Pictures: target/screenshots. */
class DashboardIT {

    private static final int FIRST_PAGE = 60_000;
    private static final String HOSTILE = "<img src=x onerror=document.title='owned'>\u202e";

    @TempDir
    private static Path directory;

    private static RecordedDay day;
    private static Browser browser;

    @BeforeAll
    static void start() throws Exception {
        Needs.browser();
        day = RecordedDay.begin(directory);
        browser = new Browser(day.stack().coordinatorUrl());
    }

    @AfterAll
    static void end() throws Exception {
        if (browser != null) {
            browser.close();
        }
        if (day != null) {
            day.close();
        }
    }

    /** Whatever a test did: the console stayed silent. */
    @AfterEach
    void nothingComplained() {
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void every_page_shows_itself_and_keeps_wcag_aa_in_light_and_dark_and_on_a_telephone() throws Exception {
        Map<String, String> pages = new TreeMap<>(Map.of(
                "fleet", "/",
                "host", "/hosts/" + host(0),
                "targets", "/targets",
                "target", targetPath(),
                "failures", "/failures",
                "policy", "/policy",
                "preflight", "/preflight?release=6.1.0-30-amd64",
                "audit", "/audit",
                "build", "/builds/3.0",
                "retry", "/hosts/" + host(0) + "/retry"));
        for (Map.Entry<String, String> page : pages.entrySet()) {
            browser.open(page.getValue());
            for (String scheme : List.of("light", "dark")) {
                browser.scheme(scheme);
                assertThat(browser.barriers())
                        .as(page.getKey() + " in " + scheme)
                        .isEmpty();
                browser.look(page.getKey() + "-" + scheme);
            }
            browser.scheme("light");
            assertThat(browser.fits()).as(page.getKey() + " on a telephone").isTrue();
            assertThat(browser.complaints()).as(page.getKey()).isEmpty();
        }
    }

    @Test
    void what_the_first_page_loads_is_small_and_comes_from_nowhere_else() throws Exception {
        browser.open("/");
        browser.await("the stream", () -> browser.all(".live.on").size() == 1);

        @SuppressWarnings("unchecked")
        List<String> loaded = (List<String>) browser.script("return performance.getEntriesByType('resource')"
                + ".concat(performance.getEntriesByType('navigation')).map(e => e.transferSize + ' ' + e.name)");

        assertThat(loaded).allSatisfy(line -> assertThat(line)
                .contains(" " + day.stack().coordinatorUrl().toString()));
        long bytes = loaded.stream()
                .mapToLong(line -> Long.parseLong(line.substring(0, line.indexOf(' '))))
                .sum();
        assertThat(bytes).as(String.join("\n", loaded)).isPositive().isLessThanOrEqualTo(FIRST_PAGE);
    }

    @Test
    void a_host_that_reports_appears_by_itself_and_is_found_by_filters_and_on_the_map() throws Exception {
        browser.open("/");
        browser.await("the stream", () -> browser.all(".live.on").size() == 1);
        String name = "appears-" + System.nanoTime();

        day.publish(List.of(reported(name, "label-of-its-own")));

        browser.await(
                "the host",
                () -> browser.text("#hosts").contains(name)
                        || browser.text("#side").contains(name));
        browser.type("#filter input[name=q]", name);
        browser.all("#filter input[name=q]").get(0).sendKeys(Keys.ENTER);
        browser.await("one row", () -> browser.all("#hosts tbody tr").size() == 1);
        assertThat(browser.text("#hosts tbody")).contains(name);
        browser.open("/?label=rack%3Dlabel-of-its-own");
        assertThat(browser.all("#hosts tbody tr")).hasSize(1);
        browser.await("the map", () -> browser.script("return document.getElementById('map').dataset.drawn") != null);
        WebElement map = browser.all("#map").get(0);
        map.sendKeys(Keys.HOME, Keys.ARROW_RIGHT);
        browser.await("what stands there", () -> browser.text("#where").contains(":"));
        map.sendKeys(Keys.ENTER);
        browser.await("a host's page", () -> browser.driver().getCurrentUrl().contains("/hosts/"));
    }

    @Test
    void a_host_whose_heartbeats_stop_is_silent_and_when_it_speaks_again_it_is_not_both_without_a_reload()
            throws Exception {
        String name = "silent-" + System.nanoTime();
        Envelope report = reported(name, "silence");
        HostId host = new HostId(report.source());
        day.publish(List.of(report));
        Heartbeat heartbeat = new Heartbeat(
                host,
                "9.8.7" + "<b>",
                OptionalLong.of(7_200),
                2,
                Optional.of(List.of(new Heartbeat.Device(
                        "/dev/dm-0",
                        "ext4",
                        "/srv/<i>data</i>",
                        53_687_091_200L,
                        13_421_772_800L,
                        Optional.of(true),
                        "/dev/mapper/vg-data"))));
        try (AutoCloseable agent = day.beating(() -> heartbeat)) {
            browser.open("/");
            browser.await("the host", () -> browser.text("#main").contains(name));
            Thread.sleep(RecordedDay.SILENT_AFTER.plusSeconds(2).toMillis());
            browser.open("/hosts/" + host);
            browser.await("its devices", () -> browser.all("#devices tbody tr").size() == 1);
            assertThat(browser.text("#devices"))
                    .contains("50.0\u2009GiB", "12.5\u2009GiB 25\u2009%", "/srv/<i>data</i>");
            assertThat(browser.text("#heard"))
                    .contains("Last heard of", "agent 9.8.7<b>", "up for 2\u2009h", "2 observations wait");
            assertThat(browser.all("#silent")).isEmpty();
            assertThat(get("/api/v1/fleet")).contains("\"silent\":0");
        }
        browser.script("window.sameAsBefore = true");

        browser.await("its silence", () -> browser.all("#silent").size() == 1);

        assertThat(browser.text("h1")).contains(name, "silent", "last state:");
        assertThat(browser.text("#silent")).contains("Nothing is heard of this host: its agent last spoke");
        assertThat(browser.script("return window.sameAsBefore")).isEqualTo(true);
        for (String scheme : List.of("light", "dark")) {
            browser.scheme(scheme);
            assertThat(browser.barriers()).as("host in " + scheme).isEmpty();
            browser.look("host-silent-" + scheme);
        }
        assertThat(browser.fits()).as("on a telephone").isTrue();
        assertThat(get("/api/v1/fleet")).contains("\"silent\":1");
        assertThat(get("/api/v1/fleet/hosts?state=silent")).contains(host.value(), "\"SILENT\"", "\"heardAt\"");
        browser.open("/?state=silent");
        assertThat(browser.all("#hosts tbody tr")).hasSize(1);
        assertThat(browser.text("#hosts tbody")).contains(name, "last heard of");
        for (String scheme : List.of("light", "dark")) {
            browser.scheme(scheme);
            assertThat(browser.barriers()).as("fleet in " + scheme).isEmpty();
            browser.look("fleet-silent-" + scheme);
        }
        browser.scheme("light");
        browser.open("/hosts/" + host + "?at=99999");
        browser.await("the past", () -> browser.text("main").contains("is known only for now"));
        assertThat(browser.all("#silent")).isEmpty();

        browser.open("/");
        assertThat(browser.text("#tile-silent")).startsWith("1");
        browser.await("the stream", () -> browser.all(".live.on").size() == 1);
        browser.script("window.sameAsBefore = true");
        try (AutoCloseable agent = day.beating(() -> heartbeat)) {
            browser.await("that it speaks", () -> browser.text("#tile-silent").startsWith("0"));
            assertThat(browser.script("return window.sameAsBefore")).isEqualTo(true);
            assertThat(get("/api/v1/fleet/hosts?state=silent")).contains("\"matching\":0");
        }
    }

    private static String get(String path) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(day.stack().coordinatorUrl().resolve(path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    @Test
    void a_page_lives_through_a_restart_of_the_coordinator_and_says_meanwhile_that_it_is_old() throws Exception {
        browser.open("/");
        browser.await("the stream", () -> browser.all(".live.on").size() == 1);

        day.stack().kill(Stack.COORDINATOR);
        browser.await("that it is old", () -> browser.text("#lost").contains("No connection"));
        browser.look("fleet-lost");
        day.stack().startAgain(Stack.COORDINATOR);
        String name = "after-restart-" + System.nanoTime();
        day.publish(List.of(reported(name, "x")));

        browser.await("the host", () -> browser.text("#main").contains(name));
        browser.await("what was built before", () -> browser.text("#side").contains("Builds\n1\n"));
        browser.await(
                "that it is well", () -> browser.all("#lost:not([hidden])").isEmpty());
        // What the browser says of a server that is away.
        assertThat(browser.complaints())
                .allMatch(line ->
                        line.contains("net::ERR_CONNECTION_REFUSED") || line.contains("ERR_INCOMPLETE_CHUNKED"));
    }

    @Test
    void hostile_texts_are_inert_and_control_characters_are_shown() throws Exception {
        Envelope host = reported("h" + HOSTILE, "x");
        day.publish(List.of(host, failed(host, "main.c:1: error: " + HOSTILE + "\u001b[31m")));
        browser.open("/failures");
        browser.await("the failure", () -> browser.text("#failures").contains("onerror"));

        assertThat(browser.all("#failures img")).isEmpty();
        assertThat(browser.text("#failures")).doesNotContain("\u202e", "\u001b");
        browser.open("/");
        browser.await("the host", () -> !browser.all("#host-" + host.source()).isEmpty());
        assertThat(browser.all("#main img")).isEmpty();
        browser.open("/hosts/" + host.source());
        assertThat(browser.text("#host h1")).contains("onerror");
        assertThat(browser.all("#main img")).isEmpty();
        assertThat(browser.driver().getTitle()).isNotEqualTo("owned");
        browser.open("/?q=" + "%3Cscript%3Ealert(1)%3C/script%3E");
        assertThat(browser.all("#main script")).isEmpty();
        assertThat(browser.text("#hosts")).contains("No host fits");
    }

    @Test
    void a_retry_is_asked_once_says_to_whom_and_leaves_its_authors_name() throws Exception {
        browser.open("/hosts/" + host(0));
        browser.clickLink("Try again");
        assertThat(browser.text("main")).contains("1 host", "decided afresh");

        browser.type("input[name=author]", "Ada Lovelace");
        browser.click(".confirm button");

        browser.await("that it is done", () -> browser.text(".banner.done").contains("stands in the ledger"));
        browser.open("/audit");
        browser.await("the entry", () -> browser.text("#ledger").contains("Ada Lovelace asked to try again"));
    }

    @Test
    void a_host_is_held_for_a_reason_and_released_and_the_page_says_by_whom() throws Exception {
        browser.open("/hosts/" + host(0));
        browser.clickLink("Hold");
        assertThat(browser.text("main")).contains("1 host", "until somebody releases it");
        browser.look("hold-light");
        browser.type("input[name=author]", "Ada Lovelace");
        browser.type("input[name=why]", "migrated on Tuesday");
        browser.click(".confirm button");
        browser.await("that it is held", () -> browser.text("#host").contains("Held by Ada Lovelace"));
        assertThat(browser.text("#host")).contains("migrated on Tuesday");
        assertThat(post("/hosts/" + host(0) + "/hold", "author=Ada&why=", "Sec-Fetch-Site", "same-origin"))
                .isEqualTo(200);

        browser.clickLink("Release");
        assertThat(browser.text("main")).contains("Ada Lovelace held it: migrated on Tuesday");
        browser.type("input[name=author]", "Grace Hopper");
        browser.click(".confirm button");

        browser.await("that it is released", () -> !browser.text("#host").contains("Held by"));
        browser.await(
                "what was done to it", () -> browser.text(".timeline").contains("Grace Hopper released the host"));
        assertThat(browser.text(".timeline")).contains("Ada Lovelace wants the host to be left as it is");
        assertThat(post("/hosts/" + host(0) + "/release", "author=Ada", "Sec-Fetch-Site", "same-origin"))
                .isEqualTo(409);
    }

    @Test
    void what_holds_a_host_back_is_accepted_for_a_reason_and_shown_apart() throws Exception {
        post("/hosts/" + host(0) + "/hold", "author=Ada&why=migrated", "Sec-Fetch-Site", "same-origin");
        browser.open("/hosts/" + host(0));
        browser.await("that it waits", () -> browser.text("h1").contains("waiting"));
        browser.clickLink("Accept");
        assertThat(browser.text("main")).contains("1 host", "with the next answer");
        browser.type("input[name=author]", "Ada Lovelace");
        browser.type("input[name=why]", "retired next week");
        browser.click(".confirm button");

        browser.await("that it is accepted", () -> browser.text("#host").contains("Accepted by Ada Lovelace"));
        assertThat(browser.text("h1")).contains("accepted");
        browser.await("what was done to it", () -> browser.text(".timeline")
                .contains("Ada Lovelace accepts that the host is not safe"));
        assertThat(browser.barriers()).isEmpty();
        browser.look("accepted-light");
        browser.open("/?state=accepted");
        assertThat(browser.text("#hosts h2")).startsWith("1 of ");

        post("/hosts/" + host(0) + "/release", "author=Ada", "Sec-Fetch-Site", "same-origin");

        browser.open("/hosts/" + host(0));
        browser.await("that the next answer ends it", () -> !browser.text("h1").contains("accepted"));
    }

    @Test
    void a_recall_names_the_hosts_before_and_wants_a_name_and_a_reason() throws Exception {
        browser.open(targetPath());
        browser.clickLink("Recall");
        String question = browser.text("main");
        assertThat(question).contains("A recall is for ever", "6 hosts", "a1", "a2", "b1", "b2", "b3", "b4");
        long before = day.number("select count(*) from ledger");
        String recall = new URI(browser.driver().getCurrentUrl()).getPath();
        assertThat(post(recall, "author=&why=x", "Sec-Fetch-Site", "same-origin"))
                .isEqualTo(200);
        assertThat(post(recall, "author=Ada&why=", "Sec-Fetch-Site", "same-origin"))
                .isEqualTo(200);
        String unknown = recall.replaceFirst("[0-9a-f]{64}$", "0".repeat(64));
        assertThat(post(unknown, "author=Ada&why=x", "Sec-Fetch-Site", "same-origin"))
                .isEqualTo(404);
        assertThat(day.number("select count(*) from ledger")).isEqualTo(before);
        browser.look("recall-light");

        browser.type("input[name=author]", "Ada");
        browser.type("input[name=why]", "panics on resume");
        browser.click(".confirm button");

        browser.await("that it is done", () -> browser.text(".banner.done").contains("stands in the ledger"));
        browser.await("the state", () -> browser.text("#target").contains("panics on resume"));
    }

    @Test
    void a_policy_with_a_fault_is_not_published_and_the_line_is_named_and_gone_to() throws Exception {
        browser.open("/policy");
        String text = (String) browser.script("return document.getElementById('text').value");
        browser.script(
                "document.getElementById('text').value = arguments[0]",
                text.replaceFirst("(?m)^schema: 1$", "schema: one"));
        browser.click("button[name=check]");

        assertThat(browser.text(".faults")).contains("Not published", "line ");
        browser.look("policy-fault-light");
        browser.click(".faults a");
        assertThat((String) browser.script("const t = document.getElementById('text');"
                        + " return t.value.substring(t.selectionStart, t.selectionEnd)"))
                .contains("schema: one");
    }

    @Test
    void a_policy_is_tried_on_the_real_fleet_before_it_is_published_with_a_name() throws Exception {
        browser.open("/policy");
        String text = (String) browser.script("return document.getElementById('text').value");
        String stricter = text.replaceFirst("(?m)^( *version: )\"0.12.7\"$", "$1\"9.9\"");
        assertThat(stricter).isNotEqualTo(text);
        browser.script("document.getElementById('text').value = arguments[0]", stricter);
        browser.click("button[name=check]");

        assertThat(browser.text("#what-if")).contains("get another answer");
        assertThat(browser.text(".diff")).contains("-", "+");
        browser.look("policy-what-if-light");
        browser.type("input[name=author]", "Grace");
        browser.click("button[name=publish]");

        browser.await("that it is published", () -> browser.text(".banner.done").contains("in force"));
        assertThat(browser.text("aside")).contains("Grace");
        // As it was, for whoever comes next.
        browser.script("document.getElementById('text').value = arguments[0]", text);
        browser.click("button[name=check]");
        browser.type("input[name=author]", "Grace");
        browser.click("button[name=publish]");
        browser.await("that it is published", () -> browser.text(".banner.done").contains("in force"));
    }

    @Test
    void a_policy_that_wants_approval_is_replaced_only_when_somebody_else_approves() throws Exception {
        String text = policyText();
        publish(text + "approvals: 1\n", "Grace");
        browser.await("that it is in force", () -> browser.text(".banner.done").contains("in force"));

        publish(text, "Ada");
        browser.await("that it waits", () -> browser.text("main").contains("A policy waits for approval"));
        assertThat(browser.text(".banner.done")).contains("waits for approval by 1 other person");
        assertThat(browser.text("aside")).contains("waits for approval", "in force");
        browser.look("policy-waits-light");
        assertThat(browser.barriers()).isEmpty();
        browser.clickLink("Approve…");
        assertThat(browser.text("main")).contains("Approve the policy of Ada", "in force at once");
        browser.look("policy-approve-light");
        browser.type("input[name=author]", "ada");
        browser.click(".confirm button");
        assertThat(browser.text(".faults")).contains("neither published it nor has approved it");
        browser.type("input[name=author]", "Grace");
        browser.click(".confirm button");

        browser.await("that it is in force", () -> browser.text(".banner.done").contains("The policy is in force"));
        assertThat(policyText()).isEqualTo(text);
    }

    private String policyText() throws Exception {
        browser.open("/policy");
        return (String) browser.script("return document.getElementById('text').value");
    }

    private void publish(String text, String author) throws Exception {
        browser.open("/policy");
        browser.script("document.getElementById('text').value = arguments[0]", text);
        browser.click("button[name=check]");
        browser.type("input[name=author]", author);
        browser.click("button[name=publish]");
    }

    @Test
    void all_pages_can_be_seen_as_of_any_moment_and_a_range_is_replayed() throws Exception {
        browser.open("/?at=5");
        browser.await("the past", () -> browser.text("body").contains("You look at the past"));
        browser.look("past-light");
        assertThat(browser.text("#hosts h2")).contains("2 hosts");
        for (String page : List.of("Packages", "Failures", "Policy", "Preflight", "Audit")) {
            browser.clickLink(page);
            browser.await(page, () -> browser.text("h1").toLowerCase().contains(page.toLowerCase()));
            assertThat(browser.text("body")).as(page).contains("You look at the past");
        }
        assertThat(browser.all("#ledger li")).hasSize(5);
        browser.open("/?at=999999");
        browser.await("what has not come yet", () -> browser.text("body").contains("You look at the past"));
        String seen = browser.text("#hosts h2");
        String name = "later-" + System.nanoTime();
        day.publish(List.of(reported(name, "x")));
        browser.await("what came meanwhile", () -> {
            browser.open("/?at=999999");
            return !browser.text("#hosts h2").equals(seen);
        });
        browser.open("/audit");
        browser.click("#replay button");
        browser.await("the report", () -> browser.text("#replay").contains("Nothing is wrong"));
        browser.look("audit-replayed-light");

        assertThat(browser.text("#replay")).contains("decided again");
    }

    @Test
    void a_build_is_followed_line_by_line_while_it_runs() throws Exception {
        String build = "77.0";
        browser.open("/builds/" + build);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", day.stack().kafka()), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(Topics.BUILD_LOGS, build, "CC [M] main.o " + HOSTILE))
                    .get();
            browser.await("the line", () -> browser.text("#log").contains("main.o"));
            producer.send(new ProducerRecord<>(Topics.BUILD_LOGS, build, "LD [M] x.ko"))
                    .get();
            browser.await("the next line", () -> browser.text("#log").contains("x.ko"));
        }

        assertThat(browser.all("#log img")).isEmpty();
    }

    @Test
    void tables_and_actions_work_without_a_script() throws Exception {
        try (Browser plain = new Browser(
                day.stack().coordinatorUrl(), Map.of("profile.managed_default_content_settings.javascript", 2))) {
            plain.open("/");
            assertThat(plain.all("#hosts tbody tr")).isNotEmpty();
            plain.driver().findElement(By.cssSelector("#hosts tbody a")).click();
            assertThat(plain.text("main")).contains("Timeline");
            plain.clickLink("Try again");
            plain.type("input[name=author]", "Ada");
            plain.click(".confirm button");
            plain.await("that it is done", () -> plain.text(".banner.done").contains("stands in the ledger"));
        }
    }

    @Test
    void whoever_comes_from_another_site_changes_nothing_and_what_is_not_there_is_a_page() throws Exception {
        long before = day.number("select count(*) from ledger");

        int evil = post("/hosts/" + host(0) + "/retry", "author=eve", "Origin", "https://evil.example");
        int framed = post("/policy", "text=x&author=eve&publish=yes", "Sec-Fetch-Site", "cross-site");

        assertThat(List.of(evil, framed)).containsOnly(403);
        assertThat(day.number("select count(*) from ledger")).isEqualTo(before);
        browser.open("/hosts/0123");
        assertThat(browser.text("main")).contains("No such host");
        browser.look("problem-light");
        assertThat(browser.complaints()).allMatch(line -> line.contains("404"));
    }

    private static int post(String path, String body, String header, String value)
            throws IOException, InterruptedException {
        URI uri = day.stack().coordinatorUrl().resolve(path);
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header(header, value)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private static String host(int index) {
        return day.published().stream()
                .filter(envelope -> envelope.observation() instanceof Observation.HostReported)
                .map(Envelope::source)
                .distinct()
                .sorted()
                .toList()
                .get(index);
    }

    private static Observation.PackageStored stored() {
        return day.published().stream()
                .map(Envelope::observation)
                .filter(Observation.PackageStored.class::isInstance)
                .map(Observation.PackageStored.class::cast)
                .findFirst()
                .orElseThrow();
    }

    private static String targetPath() {
        var target = stored().target();
        return "/targets/" + target.arch() + "/" + target.release() + "/"
                + target.image().hex() + "/" + target.source().hex();
    }

    private static Envelope reported(String name, String rack) {
        HostId id = HostId.fromMachineId(
                io.kmodfleet.contracts.Digest.of(name.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                        .hex()
                        .substring(0, 32));
        HostReport like = ((Observation.HostReported) day.published().stream()
                        .map(Envelope::observation)
                        .filter(Observation.HostReported.class::isInstance)
                        .findFirst()
                        .orElseThrow())
                .report();
        HostReport report = new HostReport(
                name,
                new OperatingSystem("debian", "12", "Debian 12"),
                like.arch(),
                false,
                like.checks(),
                like.kernels(),
                new TreeMap<>(Map.of("rack", rack)),
                like.compiler(),
                like.secureBoot());
        return new Envelope(id.value(), 1, 1, Instant.now(), new Observation.HostReported(id, report));
    }

    private static Envelope failed(Envelope host, String error) {
        return new Envelope(
                host.source(),
                1,
                2,
                Instant.now(),
                new Observation.BuildFailed(
                        new HostId(host.source()),
                        new DecisionId(1, 0),
                        stored().target(),
                        Observation.FailureClass.BUILD,
                        Optional.of(2),
                        error,
                        Optional.empty()));
    }
}
