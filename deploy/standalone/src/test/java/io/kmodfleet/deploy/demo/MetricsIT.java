package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is documented, drawn and alerted on, held against what a running coordinator and a running store say. */
class MetricsIT {

    private static final Path DEPLOY = Path.of(System.getProperty("kmodfleet.home", "../.."), "deploy");
    private static final Pattern NAME = Pattern.compile("\\bkmodfleet_[a-z0-9_]+\\b");

    @TempDir
    private static Path directory;

    private static RecordedDay day;
    private static String exported;

    @BeforeAll
    static void start() throws Exception {
        day = RecordedDay.begin(directory);
        // The board is half a second behind.
        for (int i = 0;
                i < 100 && !scrape(day.stack().coordinatorUrl()).contains("kmodfleet_hosts{state=\"safe\",} 6.0");
                i++) {
            Thread.sleep(100);
        }
        exported = scrape(day.stack().coordinatorUrl()) + scrape(day.stack().storeUrl());
    }

    @AfterAll
    static void end() throws Exception {
        if (day != null) {
            day.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"monitoring/alerts.yaml", "monitoring/grafana/kmodfleet.json", "METRICS.md"})
    void every_name_that_somebody_relies_on_is_exported(String file) throws IOException {
        Set<String> names = namesIn(Files.readString(DEPLOY.resolve(file)));

        assertThat(names).isNotEmpty().allSatisfy(name -> assertThat(exported)
                .containsPattern("(?m)^" + name + "(_sum)?[ {]"));
    }

    @Test
    void every_name_that_is_exported_is_documented() throws IOException {
        Set<String> documented = namesIn(Files.readString(DEPLOY.resolve("METRICS.md")));
        Set<String> undocumented = new TreeSet<>(namesIn(exported));
        undocumented.removeIf(name ->
                documented.contains(name) || documented.contains(name.replaceAll("_(bucket|sum|count|max)$", "")));

        assertThat(undocumented).isEmpty();
    }

    @Test
    void what_was_taken_and_decided_is_counted() {
        assertThat(exported)
                .contains("kmodfleet_active 1.0")
                .containsPattern("kmodfleet_entries_total\\{observation=\"HostReported\",?} [1-9]")
                .containsPattern("kmodfleet_decisions_total\\{decision=\"keep\",reason=\"up_to_date\",?} [1-9]")
                .containsPattern("kmodfleet_hosts\\{state=\"safe\",?} [1-9]")
                .containsPattern("kmodfleet_store_disk_free_bytes [1-9]");
    }

    @Test
    void the_alert_rules_come_up_when_they_should_and_only_then() throws Exception {
        Needs.promtool();

        Process check = new ProcessBuilder("promtool", "test", "rules", "alerts-test.yaml")
                .directory(DEPLOY.resolve("monitoring").toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(check.getInputStream().readAllBytes());

        assertThat(check.waitFor()).as(said).isZero();
    }

    private static Set<String> namesIn(String text) {
        Set<String> names = new TreeSet<>();
        Matcher found = NAME.matcher(text);
        while (found.find()) {
            names.add(found.group());
        }
        return names;
    }

    private static String scrape(URI service) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(service.resolve("/q/metrics"))
                .header("Accept", "text/plain")
                .build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        return answer.body();
    }
}
