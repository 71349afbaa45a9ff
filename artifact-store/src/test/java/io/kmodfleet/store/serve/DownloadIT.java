package io.kmodfleet.store.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class DownloadIT {

    @TestHTTPResource
    private URI address;

    private StoreClient store;
    private Toy toy;
    private byte[] source;
    private String path;
    private String tag;

    @BeforeEach
    void publish() throws Exception {
        store = new StoreClient(address);
        toy = Toy.another();
        source = toy.source();
        path = "/api/v1/sources/" + Digest.of(source).hex();
        tag = "\"" + Digest.of(source).hex() + "\"";
        store.put("sources", source);
    }

    @Test
    void a_file_is_served_whole_under_its_name_and_for_ever() throws Exception {
        HttpResponse<byte[]> answer = store.get(path);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(source);
        assertThat(header(answer, "ETag")).isEqualTo(tag);
        assertThat(header(answer, "Accept-Ranges")).isEqualTo("bytes");
        assertThat(header(answer, "Cache-Control")).contains("immutable");
        assertThat(header(answer, "Content-Type")).isEqualTo("application/gzip");
        assertThat(header(answer, "Content-Disposition")).contains("\"toy-" + toy.version() + "-source.tar.gz\"");
        assertThat(header(answer, "Content-Length")).isEqualTo("" + source.length);
    }

    @Test
    void the_head_tells_the_same_without_the_bytes() throws Exception {
        HttpResponse<byte[]> answer = store.head(path);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEmpty();
        assertThat(header(answer, "ETag")).isEqualTo(tag);
        assertThat(header(answer, "Content-Length")).isEqualTo("" + source.length);
        assertThat(store.head("/api/v1/sources/" + "0".repeat(64)).statusCode()).isEqualTo(404);
    }

    @Test
    void a_download_that_broke_off_is_resumed_where_it_ended() throws Exception {
        int middle = source.length / 2;

        HttpResponse<byte[]> rest = store.get(path, "Range", "bytes=" + middle + "-", "If-Range", tag);

        assertThat(rest.statusCode()).isEqualTo(206);
        assertThat(header(rest, "Content-Range"))
                .isEqualTo("bytes " + middle + "-" + (source.length - 1) + "/" + source.length);
        assertThat(rest.body()).isEqualTo(Arrays.copyOfRange(source, middle, source.length));
    }

    @Test
    void parts_and_ends_are_served_and_what_lies_behind_the_end_is_not() throws Exception {
        assertThat(store.get(path, "Range", "bytes=10-19").body()).isEqualTo(Arrays.copyOfRange(source, 10, 20));
        assertThat(store.get(path, "Range", "bytes=-5").body())
                .isEqualTo(Arrays.copyOfRange(source, source.length - 5, source.length));
        HttpResponse<byte[]> behind = store.get(path, "Range", "bytes=" + source.length + "-");
        assertThat(behind.statusCode()).isEqualTo(416);
        assertThat(header(behind, "Content-Range")).isEqualTo("bytes */" + source.length);
    }

    @Test
    void who_resumes_another_file_gets_the_whole() throws Exception {
        HttpResponse<byte[]> answer = store.get(path, "Range", "bytes=10-19", "If-Range", "\"another\"");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(source);
    }

    @Test
    void who_has_it_is_not_sent_it_again() throws Exception {
        HttpResponse<byte[]> answer = store.get(path, "If-None-Match", tag);

        assertThat(answer.statusCode()).isEqualTo(304);
        assertThat(answer.body()).isEmpty();
        assertThat(header(answer, "ETag")).isEqualTo(tag);
    }

    @Test
    void a_log_is_shown_as_text_and_is_never_a_package() throws Exception {
        byte[] log = ("make: done " + toy.version()).getBytes(StandardCharsets.UTF_8);
        String hex = Digest.of(log).hex();
        store.put("logs", log);

        HttpResponse<byte[]> answer = store.get("/api/v1/logs/" + hex);

        assertThat(answer.body()).isEqualTo(log);
        assertThat(header(answer, "Content-Type")).startsWith("text/plain");
        assertThat(header(answer, "X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(store.get("/api/v1/packages/" + hex).statusCode()).isEqualTo(404);
        assertThat(store.get("/api/v1/sources/" + hex).statusCode()).isEqualTo(404);
    }

    @Test
    void what_is_not_there_is_a_problem_that_says_so() throws Exception {
        HttpResponse<byte[]> answer = store.get("/api/v1/packages/" + "0".repeat(64));

        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(header(answer, "Content-Type")).startsWith("application/problem+json");
        assertThat(StoreClient.json(answer).path("detail").asText()).contains("Expected a stored package");
        assertThat(store.get("/api/v1/packages/..%2f..%2fetc%2fpasswd").statusCode())
                .isIn(400, 404);
    }

    private static String header(HttpResponse<byte[]> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
