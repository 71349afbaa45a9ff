package io.kmodfleet.store;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** The store as others see it. */
public record StoreClient(URI store) {

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    public HttpResponse<byte[]> put(String kind, byte[] bytes) throws Exception {
        return put(kind, Digest.of(bytes).hex(), bytes);
    }

    public HttpResponse<byte[]> put(String kind, String hex, byte[] bytes) throws Exception {
        return send(HttpRequest.newBuilder(store.resolve("/api/v1/" + kind + "/" + hex))
                .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes)));
    }

    public HttpResponse<byte[]> get(String path, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(store.resolve(path));
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return send(request);
    }

    public HttpResponse<byte[]> head(String path) throws Exception {
        return send(HttpRequest.newBuilder(store.resolve(path)).method("HEAD", HttpRequest.BodyPublishers.noBody()));
    }

    /** @param json may be empty */
    public HttpResponse<byte[]> send(String method, String path, String json) throws Exception {
        return send(HttpRequest.newBuilder(store.resolve(path))
                .header("Content-Type", "application/json")
                .header("Kmodfleet-Author", "somebody")
                .method(
                        method,
                        json.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(json)));
    }

    public JsonNode items(String path) throws Exception {
        return json(get(path)).path("items");
    }

    public static JsonNode json(HttpResponse<byte[]> answer) throws IOException {
        return FleetJson.mapper().readTree(answer.body());
    }

    private static HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }
}
