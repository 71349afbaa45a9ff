package io.kmodfleet.cli;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Answers as coordinator and store do, over real HTTP, and remembers what it was asked. */
final class FakeFleet implements AutoCloseable {

    private final HttpServer server;
    private final Map<String, Answer> answers = new HashMap<>();
    private final List<Request> requests = new ArrayList<>();

    private record Answer(int status, byte[] body, Map<String, String> headers) {}

    record Request(String method, String address, Map<String, List<String>> headers, byte[] body) {}

    FakeFleet() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] sent = exchange.getRequestBody().readAllBytes();
            String address = exchange.getRequestURI().toString();
            requests.add(new Request(exchange.getRequestMethod(), address, exchange.getRequestHeaders(), sent));
            Answer answer = answers.getOrDefault(
                    exchange.getRequestMethod() + " " + address,
                    new Answer(
                            404,
                            bytes("{\"title\":\"Not found\",\"status\":404,\"detail\":\"Expected something else.\"}"),
                            Map.of()));
            byte[] body = answer.body;
            answer.headers.forEach(exchange.getResponseHeaders()::set);
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
                exchange.sendResponseHeaders(answer.status, -1);
            } else {
                exchange.sendResponseHeaders(answer.status, body.length == 0 ? -1 : body.length);
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        });
        server.start();
    }

    void answers(String methodAndAddress, int status, String body) {
        answers.put(methodAndAddress, new Answer(status, bytes(body), Map.of()));
    }

    /** A file, and how large it is. */
    void offers(String address, byte[] bytes) {
        answers.put("GET " + address, new Answer(200, bytes, Map.of()));
        answers.put("HEAD " + address, new Answer(200, bytes, Map.of()));
    }

    /** The whole ledger, as far as {@code upTo} promises. */
    void ledger(String lines, long upTo) {
        answers.put(
                "GET /api/v1/ledger?after=0&limit=0",
                new Answer(200, bytes(lines), Map.of("Kmodfleet-Up-To", Long.toString(upTo))));
    }

    List<Request> requests() {
        return requests;
    }

    Request lastRequest() {
        return requests.get(requests.size() - 1);
    }

    String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
