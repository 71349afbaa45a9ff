package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import picocli.CommandLine.Option;

/** Where coordinator and store are, and one way to talk to them: what they refuse comes back as their own words. */
final class FleetApi {

    private static final Duration ANSWER = Duration.ofSeconds(60);
    private static final Duration READING = Duration.ofMinutes(10);
    private static final Duration ASK_AGAIN = Duration.ofMillis(500);

    @Option(
            names = "--coordinator",
            paramLabel = "URL",
            defaultValue = "${env:KMODFLEET_COORDINATOR:-http://127.0.0.1:7070}",
            description = "The coordinator; KMODFLEET_COORDINATOR (default: http://127.0.0.1:7070).")
    private URI coordinator;

    @Option(
            names = "--store",
            paramLabel = "URL",
            defaultValue = "${env:KMODFLEET_STORE:-http://127.0.0.1:7071}",
            description = "The artifact store; KMODFLEET_STORE (default: http://127.0.0.1:7071).")
    private URI store;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    JsonNode fromCoordinator(String path) throws IOException {
        return json(send(HttpRequest.newBuilder(at(coordinator, path))));
    }

    JsonNode fromStore(String path) throws IOException {
        return json(send(HttpRequest.newBuilder(at(store, path))));
    }

    /** Every item of a list of the store, however many answers it comes in. */
    List<JsonNode> all(String path) throws IOException {
        return items(this::fromStore, path);
    }

    /** The whole list of the coordinator as one answer. */
    JsonNode wholeList(String path) throws IOException {
        return list(items(this::fromCoordinator, path));
    }

    /** The same as of a moment. @param path with a query in it */
    JsonNode wholeList(String path, Optional<String> moment) throws IOException {
        return list(items(next -> atMoment(next, moment), path));
    }

    static JsonNode list(List<JsonNode> items) {
        ObjectNode whole = FleetJson.mapper().createObjectNode();
        whole.putArray("items").addAll(items);
        return whole;
    }

    /** What the coordinator says of a moment of the past, for which it may have to read its ledger first; of now without one. */
    JsonNode atMoment(String path, Optional<String> moment) throws IOException {
        if (moment.isEmpty()) {
            return fromCoordinator(path);
        }
        StateView.momentOf("--at", moment.get());
        URI address = at(coordinator, path + (path.contains("?") ? "&" : "?") + "at=" + escaped(moment.get()));
        long until = System.nanoTime() + READING.toNanos();
        while (true) {
            HttpResponse<byte[]> answer = ask(HttpRequest.newBuilder(address), HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 503 || System.nanoTime() - until > 0) {
                return json(done(answer));
            }
            try {
                Thread.sleep(ASK_AGAIN.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Trouble(KmodfleetCommand.FAILED, "Interrupted.");
            }
        }
    }

    private interface Asking {
        JsonNode ask(String path) throws IOException;
    }

    private static List<JsonNode> items(Asking service, String path) throws IOException {
        List<JsonNode> items = new ArrayList<>();
        String next = path;
        while (next != null) {
            JsonNode answer = service.ask(next);
            answer.path("items").forEach(items::add);
            String after = answer.path("next").textValue();
            next = after == null ? null : path + "&after=" + escaped(after);
        }
        return items;
    }

    /** How many bytes a file in the store has; absent where it is not there. */
    OptionalLong sizeOf(String path) throws IOException {
        try {
            return send(HttpRequest.newBuilder(at(store, path)).method("HEAD", HttpRequest.BodyPublishers.noBody()))
                    .headers()
                    .firstValueAsLong("Content-Length");
        } catch (Trouble e) {
            if (e.exitCode() == KmodfleetCommand.NOT_FOUND) {
                return OptionalLong.empty();
            }
            throw e;
        }
    }

    /** @param body absent for none */
    JsonNode askStore(String method, String path, Optional<JsonNode> body, String author) throws IOException {
        HttpResponse<byte[]> answer = send(HttpRequest.newBuilder(at(store, path))
                .header("Content-Type", "application/json")
                .header("Kmodfleet-Author", author == null ? System.getProperty("user.name", "unknown") : author)
                .method(
                        method,
                        body.map(JsonNode::toString)
                                .map(HttpRequest.BodyPublishers::ofString)
                                .orElseGet(HttpRequest.BodyPublishers::noBody)));
        return answer.body().length == 0 ? FleetJson.mapper().createObjectNode() : json(answer);
    }

    /** Bytes that are looked at, not run. */
    byte[] bytesFromStore(String path) throws IOException {
        return send(HttpRequest.newBuilder(at(store, path))).body();
    }

    /** @param version the ledger position of one that was published; absent for the one in force */
    String policy(String mediaType, Optional<Long> version) throws IOException {
        String path = "/api/v1/policy"
                + version.map(position -> "/versions/" + position).orElse("");
        return text(send(HttpRequest.newBuilder(at(coordinator, path)).header("Accept", mediaType)));
    }

    JsonNode publishPolicy(String document, String author) throws IOException {
        return json(send(HttpRequest.newBuilder(at(coordinator, "/api/v1/policy"))
                .header("Content-Type", "application/yaml")
                .header("Kmodfleet-Author", author)
                .PUT(HttpRequest.BodyPublishers.ofString(document))));
    }

    /** @param author who asks for it; the ledger keeps the name */
    JsonNode ask(String path, JsonNode body, String author) throws IOException {
        return json(send(HttpRequest.newBuilder(at(coordinator, path))
                .header("Content-Type", "application/json")
                .header("Kmodfleet-Author", author == null ? System.getProperty("user.name", "unknown") : author)
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))));
    }

    /** Whether it is new. */
    boolean upload(String path, byte[] bytes) throws IOException {
        return send(HttpRequest.newBuilder(at(store, path)).PUT(HttpRequest.BodyPublishers.ofByteArray(bytes)))
                        .statusCode()
                == 201;
    }

    /**
     * The ledger as the coordinator streams it.
     *
     * @param compressed whether the bytes are gzip's
     * @param upTo the last position that it holds
     */
    record LedgerAnswer(InputStream bytes, boolean compressed, long upTo) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            bytes.close();
        }
    }

    /** @param limit 0 for all */
    LedgerAnswer ledger(long after, long limit, boolean compressed) throws IOException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(at(coordinator, "/api/v1/ledger?after=" + after + "&limit=" + limit));
        if (compressed) {
            request.header("Accept-Encoding", "gzip");
        }
        HttpResponse<InputStream> answer = send(request, HttpResponse.BodyHandlers.ofInputStream());
        return new LedgerAnswer(
                answer.body(),
                answer.headers().firstValue("Content-Encoding").equals(Optional.of("gzip")),
                answer.headers().firstValueAsLong("Kmodfleet-Up-To").orElse(0));
    }

    URI coordinator() {
        return coordinator;
    }

    /** Whether the coordinator is on this machine, so that compressing costs more than it saves. */
    boolean isLocal() {
        String host = String.valueOf(coordinator.getHost());
        return host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]");
    }

    /** Below the path of the address, where it has one: the API may stand behind a proxy. */
    private static URI at(URI service, String path) {
        boolean web = "http".equals(service.getScheme()) || "https".equals(service.getScheme());
        if (!web || service.getHost() == null) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected an address like http://127.0.0.1:7070, but got '" + service + "'.");
        }
        return URI.create(service.toString().replaceAll("/+$", "") + path);
    }

    static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private HttpResponse<byte[]> send(HttpRequest.Builder builder) throws IOException {
        return send(builder, HttpResponse.BodyHandlers.ofByteArray());
    }

    private <T> HttpResponse<T> send(HttpRequest.Builder builder, HttpResponse.BodyHandler<T> body) throws IOException {
        return done(ask(builder, body));
    }

    private static <T> HttpResponse<T> done(HttpResponse<T> answer) {
        if (answer.statusCode() / 100 == 2) {
            return answer;
        }
        int code = answer.statusCode() == 404 ? KmodfleetCommand.NOT_FOUND : KmodfleetCommand.FAILED;
        throw new Trouble(code, detailOf(answer));
    }

    private <T> HttpResponse<T> ask(HttpRequest.Builder builder, HttpResponse.BodyHandler<T> body) throws IOException {
        HttpRequest request = builder.timeout(ANSWER).build();
        try {
            return http.send(request, body);
        } catch (ConnectException e) {
            throw new Trouble(
                    KmodfleetCommand.NOT_REACHED,
                    "Expected the " + whoIs(request) + " at " + placeOf(request)
                            + ", but nothing answers there. Is it running? deploy/up starts everything on this machine; --"
                            + whoIs(request) + " names another place.");
        } catch (HttpTimeoutException e) {
            throw new Trouble(
                    KmodfleetCommand.NOT_REACHED,
                    "Expected an answer from the " + whoIs(request) + " at " + placeOf(request) + " within "
                            + ANSWER.toSeconds()
                            + " s, but there is none. deploy/status shows what runs on this machine.");
        } catch (IOException e) {
            throw new Trouble(
                    KmodfleetCommand.NOT_REACHED,
                    "Expected an answer from the " + whoIs(request) + " at " + placeOf(request)
                            + ", but the connection broke: " + e.getMessage() + ". Try again.");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Trouble(KmodfleetCommand.FAILED, "Interrupted.");
        }
    }

    private String whoIs(HttpRequest request) {
        return request.uri().toString().startsWith(store.toString()) ? "store" : "coordinator";
    }

    private static String placeOf(HttpRequest request) {
        return request.uri().getScheme() + "://" + request.uri().getAuthority();
    }

    private static String detailOf(HttpResponse<?> answer) {
        try {
            byte[] body = answer.body() instanceof InputStream stream ? stream.readAllBytes() : (byte[]) answer.body();
            JsonNode problem = FleetJson.mapper().readTree(body);
            String rule = problem.path("rule").asText("");
            return (rule.isEmpty() ? "" : rule + ": ") + problem.path("detail").asText("HTTP " + answer.statusCode());
        } catch (IOException e) {
            return "Expected an answer, but got HTTP " + answer.statusCode() + " from " + answer.uri();
        }
    }

    private static JsonNode json(HttpResponse<byte[]> answer) throws IOException {
        return FleetJson.mapper().readTree(answer.body());
    }

    private static String text(HttpResponse<byte[]> answer) {
        return new String(answer.body(), StandardCharsets.UTF_8);
    }
}
