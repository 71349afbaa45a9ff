package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every list of the coordinator's API promises, whatever it lists. */
class ApiIT {

    @TempDir
    private static Path directory;

    private static RecordedDay day;

    @BeforeAll
    static void start() throws Exception {
        day = RecordedDay.begin(directory);
        // The board is half a second behind.
        for (int i = 0;
                i < 100
                        && json("/api/v1/fleet").path("position").asLong()
                                < day.published().size() + 1;
                i++) {
            Thread.sleep(100);
        }
    }

    @AfterAll
    static void end() throws Exception {
        if (day != null) {
            day.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/v1/fleet",
                "/api/v1/fleet/hosts",
                "/api/v1/fleet/hosts?state=safe&limit=2",
                "/api/v1/targets",
                "/api/v1/targets?at=20",
                "/api/v1/hosts",
                "/api/v1/decisions",
                "/api/v1/failures",
                "/api/v1/dead-letters",
                "/api/v1/policy",
                "/api/v1/preflight?release=6.1.0-57-amd64"
            })
    void who_has_an_answer_already_is_told_only_that(String path) throws Exception {
        HttpResponse<String> first = get(path, Optional.empty());
        for (int i = 0; i < 50 && first.statusCode() == 503; i++) {
            Thread.sleep(200);
            first = get(path, Optional.empty());
        }
        String tag = first.headers().firstValue("ETag").orElseThrow();

        HttpResponse<String> again = get(path, Optional.of("\"other\", " + tag));
        HttpResponse<String> other = get(path, Optional.of("W/\"other\""));

        assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
        assertThat(tag).startsWith("W/\"");
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
        assertThat(again.headers().firstValue("ETag")).contains(tag);
        assertThat(other.statusCode()).isEqualTo(200);
        assertThat(other.body()).isEqualTo(first.body());
    }

    @Test
    void an_answer_that_the_ledger_changed_is_given_anew() throws Exception {
        String hosts = get("/api/v1/hosts", Optional.empty())
                .headers()
                .firstValue("ETag")
                .orElseThrow();
        String other = get("/api/v1/hosts?limit=1", Optional.empty())
                .headers()
                .firstValue("ETag")
                .orElseThrow();
        String id =
                json("/api/v1/hosts?limit=1").path("items").get(0).path("host").asText();

        assertThat(day.kmodfleet("hold", id, "--why", "somebody looks at it").exitCode())
                .isZero();

        assertThat(other).isNotEqualTo(hosts);
        assertThat(get("/api/v1/hosts", Optional.of(hosts)).statusCode()).isEqualTo(200);
        assertThat(day.kmodfleet("release", id).exitCode()).isZero();
    }

    @Test
    void what_is_no_answer_has_no_tag() throws Exception {
        HttpResponse<String> unknown = get("/api/v1/hosts/nobody", Optional.empty());
        HttpResponse<String> wrong = get("/api/v1/targets?after=nonsense", Optional.empty());

        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(unknown.headers().firstValue("ETag")).isEmpty();
        assertThat(wrong.statusCode()).isEqualTo(400);
        assertThat(wrong.body()).contains("Not a cursor");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/v1/hosts", "/api/v1/fleet/hosts", "/api/v1/targets"})
    void a_list_in_pages_is_the_whole_list(String path) throws Exception {
        List<JsonNode> whole = new ArrayList<>();
        json(path + "?limit=1000").path("items").forEach(whole::add);
        List<JsonNode> paged = new ArrayList<>();
        String after = "";
        while (after != null) {
            JsonNode page = json(path + "?limit=2" + after);
            assertThat(page.path("items").size()).isBetween(0, 2);
            page.path("items").forEach(paged::add);
            String next = page.path("next").textValue();
            after = next == null ? null : "&after=" + URLEncoder.encode(next, StandardCharsets.UTF_8);
        }

        assertThat(whole).isNotEmpty();
        assertThat(paged).isEqualTo(whole);
    }

    private static JsonNode json(String path) throws Exception {
        return FleetJson.mapper().readTree(get(path, Optional.empty()).body());
    }

    private static HttpResponse<String> get(String path, Optional<String> known) throws Exception {
        URI address = URI.create(day.stack().coordinatorUrl().toString().replaceAll("/+$", "") + path);
        HttpRequest.Builder request = HttpRequest.newBuilder(address);
        known.ifPresent(tags -> request.header("If-None-Match", tags));
        return HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    }
}
