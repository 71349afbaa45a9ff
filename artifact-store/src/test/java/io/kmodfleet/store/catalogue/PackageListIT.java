package io.kmodfleet.store.catalogue;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class PackageListIT {

    @TestHTTPResource
    private URI address;

    private StoreClient store;

    @BeforeEach
    void connect() {
        store = new StoreClient(address);
    }

    @Test
    void pages_hold_every_package_once_though_others_come_in_between() throws Exception {
        List<String> published = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            published.add(0, published().toString());
        }
        List<String> seen = new ArrayList<>();
        String next = "";
        do {
            JsonNode page = page("limit=3" + next);
            page.path("items").forEach(item -> seen.add(item.path("digest").asText()));
            assertThat(page.path("items").size()).isLessThanOrEqualTo(3);
            next = page.has("next") ? "&after=" + page.path("next").asText() : "";
            published();
        } while (!next.isEmpty());

        assertThat(seen).doesNotHaveDuplicates().containsSubsequence(published);
    }

    @Test
    void packages_are_found_by_everything_they_are() throws Exception {
        Toy toy = Toy.another();
        Digest digest = publish(toy);

        for (String query : List.of(
                "module=toy&version=" + toy.version(),
                "version=" + toy.version(),
                "version=" + toy.version() + "&release=" + Toy.RELEASE,
                "version=" + toy.version() + "&builder=" + Samples.HOST.value(),
                "version=" + toy.version() + "&state=candidate",
                "version=" + toy.version() + "&text=6.1.0-56",
                "text=toy-" + Toy.RELEASE + "-" + toy.version() + ".tar.gz",
                "text=" + digest.brief())) {
            assertThat(page(query).path("items").findValuesAsText("digest"))
                    .as(query)
                    .containsExactly(digest.toString());
        }
        for (String query : List.of(
                "module=other&version=" + toy.version(),
                "version=" + toy.version() + "&state=recalled",
                "version=" + toy.version() + "&release=6.8.0",
                "version=" + toy.version() + "&builder=" + "0".repeat(32),
                "version=" + toy.version() + "&text=dattobd",
                "text=" + "0".repeat(20))) {
            assertThat(page(query).path("items")).as(query).isEmpty();
        }
    }

    @Test
    void words_that_look_like_a_query_are_words() throws Exception {
        for (String text : List.of("'", "\\", "a & b", "!(x", ":*", "%", "';drop table package;--")) {
            HttpResponse<byte[]> answer =
                    store.get("/api/v1/packages?text=" + URLEncoder.encode(text, StandardCharsets.UTF_8));
            assertThat(answer.statusCode()).as(text).isEqualTo(200);
        }
    }

    @Test
    void what_is_no_query_is_said_so() throws Exception {
        for (String query : List.of("state=refused", "after=nonsense")) {
            HttpResponse<byte[]> answer = store.get("/api/v1/packages?" + query);
            assertThat(answer.statusCode()).as(query).isEqualTo(400);
            assertThat(StoreClient.json(answer).path("detail").asText()).startsWith("Expected");
        }
    }

    private JsonNode page(String query) throws Exception {
        HttpResponse<byte[]> answer = store.get("/api/v1/packages?" + query);
        assertThat(answer.statusCode()).as(query).isEqualTo(200);
        return StoreClient.json(answer);
    }

    private Digest published() throws Exception {
        return publish(Toy.another());
    }

    private Digest publish(Toy toy) throws Exception {
        store.put("sources", toy.source());
        assertThat(store.put("packages", toy.archive()).statusCode()).isEqualTo(201);
        return Digest.of(toy.archive());
    }
}
