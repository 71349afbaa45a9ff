package io.kmodfleet.deploy.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A Chromium without a window, and one page of it, spoken to by the DevTools protocol. */
final class Chromium implements AutoCloseable {

    private static final Path PROGRAM = Path.of("/usr/bin/chromium");
    private static final long PATIENCE_SECONDS = 60;

    private final ObjectMapper json = new ObjectMapper();
    private final Map<Integer, CompletableFuture<JsonNode>> asked = new ConcurrentHashMap<>();
    private final Process process;
    private final Path profile;
    private final WebSocket page;
    private int last;

    private Chromium(Process process, Path profile, URI address) {
        this.process = process;
        this.profile = profile;
        this.page = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(address, new Answers())
                .join();
    }

    /** What is missing to start one. */
    static Optional<String> missing() {
        return Files.isExecutable(PROGRAM)
                ? Optional.empty()
                : Optional.of("Expected " + PROGRAM + ". Run: apt-get install chromium");
    }

    static Chromium start() throws IOException, InterruptedException {
        Path profile = Files.createTempDirectory("kmodfleet-bench-browser");
        Process process = new ProcessBuilder(
                        PROGRAM.toString(),
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--window-size=1280,900",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile,
                        "about:blank")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String authority = "127.0.0.1:" + portOf(process, profile);
        HttpResponse<String> list = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://" + authority + "/json/list"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        for (JsonNode target : new ObjectMapper().readTree(list.body())) {
            if (target.path("type").asText().equals("page")) {
                return new Chromium(
                        process,
                        profile,
                        URI.create(target.path("webSocketDebuggerUrl").asText()));
            }
        }
        process.destroy();
        throw new IOException("Expected chromium to have a page, but it has none");
    }

    /** It writes the port that it has found into its profile. */
    private static String portOf(Process process, Path profile) throws IOException, InterruptedException {
        Path port = profile.resolve("DevToolsActivePort");
        while (process.isAlive()) {
            List<String> lines = Files.exists(port) ? Files.readAllLines(port) : List.of();
            if (lines.size() > 1) {
                return lines.get(0);
            }
            Thread.sleep(50);
        }
        throw new IOException("Expected chromium to start, but it ended");
    }

    /** Goes there. */
    void open(URI address) throws InterruptedException {
        ask("Page.navigate", json.createObjectNode().put("url", address.toString()));
    }

    /** @param script an expression; a promise is waited for */
    JsonNode evaluate(String script) throws InterruptedException {
        JsonNode answer = ask(
                "Runtime.evaluate",
                json.createObjectNode()
                        .put("expression", script)
                        .put("awaitPromise", true)
                        .put("returnByValue", true));
        if (answer.has("exceptionDetails")) {
            throw new IllegalStateException("Expected the page to answer, but " + answer.path("exceptionDetails"));
        }
        return answer.at("/result/value");
    }

    private JsonNode ask(String method, ObjectNode parameters) throws InterruptedException {
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        int id = ++last;
        asked.put(id, answer);
        ObjectNode question = json.createObjectNode().put("id", id).put("method", method);
        question.set("params", parameters);
        page.sendText(question.toString(), true);
        try {
            return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Expected an answer to " + method + ", but " + e, e);
        }
    }

    /** Comes in parts. */
    private final class Answers implements WebSocket.Listener {
        private final StringBuilder part = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean isLast) {
            part.append(data);
            if (isLast) {
                try {
                    JsonNode message = json.readTree(part.toString());
                    CompletableFuture<JsonNode> waiting =
                            asked.remove(message.path("id").asInt());
                    if (waiting != null) {
                        waiting.complete(message.path("result"));
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                } finally {
                    part.setLength(0);
                }
            }
            return WebSocket.Listener.super.onText(socket, data, isLast);
        }
    }

    @Override
    public void close() throws IOException {
        page.abort();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        process.onExit().join();
        Nginx.deleteAll(profile);
    }
}
