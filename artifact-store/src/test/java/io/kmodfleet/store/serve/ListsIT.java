package io.kmodfleet.store.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class ListsIT {

    @TestHTTPResource
    private URI address;

    private StoreClient store;

    @BeforeEach
    void connect() {
        store = new StoreClient(address);
    }

    @Test
    void what_was_just_taken_is_in_the_next_list_however_lately_that_was_asked_for() throws Exception {
        for (int i = 0; i < 5; i++) {
            byte[] source = Toy.another().source();
            assertThat(digests("/api/v1/sources?limit=1000")).doesNotContain(digestOf(source));

            store.put("sources", source);

            assertThat(digests("/api/v1/sources?limit=1000")).contains(digestOf(source));
        }
    }

    @Test
    void what_was_just_refused_is_too() throws Exception {
        store.items("/api/v1/refusals");
        byte[] nonsense = ("no archive " + System.nanoTime()).getBytes();

        assertThat(store.put("packages", nonsense).statusCode()).isEqualTo(422);

        assertThat(digests("/api/v1/refusals")).contains(digestOf(nonsense));
    }

    @Test
    void whoever_has_the_list_already_is_told_only_that() throws Exception {
        store.put("sources", Toy.another().source());
        HttpResponse<byte[]> first = store.get("/api/v1/sources?limit=1");
        String tag = first.headers().firstValue("ETag").orElseThrow();

        HttpResponse<byte[]> again = store.get("/api/v1/sources?limit=1", "If-None-Match", tag);
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(again.body()).isEmpty();

        // And it is no matter of time: made anew, it has the same name.
        Thread.sleep(Duration.ofMillis(1_200).toMillis());
        assertThat(store.get("/api/v1/sources?limit=1", "If-None-Match", tag).statusCode())
                .isEqualTo(304);

        store.put("sources", Toy.another().source());
        assertThat(store.get("/api/v1/sources?limit=1", "If-None-Match", tag).statusCode())
                .isEqualTo(200);
    }

    @Test
    void the_head_tells_the_length_without_the_list() throws Exception {
        HttpResponse<byte[]> whole = store.get("/api/v1/packages");
        HttpResponse<byte[]> head = store.head("/api/v1/packages");

        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValue("Content-Length")).contains(Integer.toString(whole.body().length));
        assertThat(whole.headers().firstValue("Content-Type").orElseThrow()).startsWith("application/json");
    }

    @Test
    void sources_go_on_where_the_page_before_ended_each_once() throws Exception {
        Set<String> published = new TreeSet<>();
        for (int i = 0; i < 7; i++) {
            byte[] source = Toy.another().source();
            store.put("sources", source);
            published.add(digestOf(source));
        }

        List<String> seen = new ArrayList<>();
        JsonNode page = StoreClient.json(store.get("/api/v1/sources?limit=3"));
        seen.addAll(page.path("items").findValuesAsText("digest"));
        while (page.has("next")) {
            page = StoreClient.json(store.get(
                    "/api/v1/sources?limit=3&after=" + page.path("next").asText()));
            seen.addAll(page.path("items").findValuesAsText("digest"));
        }

        assertThat(seen).doesNotHaveDuplicates().containsAll(published);
    }

    @Test
    void what_is_no_query_is_refused_with_what_was_expected() throws Exception {
        HttpResponse<byte[]> number = store.get("/api/v1/sources?limit=many");
        HttpResponse<byte[]> place = store.get("/api/v1/packages?after=nowhere");

        assertThat(number.statusCode()).isEqualTo(400);
        assertThat(StoreClient.json(number).path("detail").asText()).contains("'limit'", "'many'");
        assertThat(place.statusCode()).isEqualTo(400);
        assertThat(StoreClient.json(place).path("detail").asText()).contains("'after'");
    }

    private List<String> digests(String path) throws Exception {
        return store.items(path).findValuesAsText("digest");
    }

    private static String digestOf(byte[] bytes) {
        return Digest.of(bytes).toString();
    }
}
