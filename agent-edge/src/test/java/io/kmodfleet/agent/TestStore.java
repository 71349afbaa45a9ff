package io.kmodfleet.agent;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands for the artifact store, another process: keeps by digest what it is sent, and believes everything. */
public final class TestStore implements AutoCloseable {

    private final HttpServer server;
    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private final AtomicInteger asked = new AtomicInteger();

    public TestStore() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/v1/", this::answer);
        server.start();
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    public Digest put(String kind, byte[] bytes) {
        Digest digest = Digest.of(bytes);
        files.put(kind + "/" + digest.hex(), bytes);
        return digest;
    }

    public byte[] get(String kind, Digest digest) {
        return files.get(kind + "/" + digest.hex());
    }

    /** What was put there, below {@code /api/v1/}. */
    public byte[] at(String place) {
        return files.get(place);
    }

    /** How many requests have come. */
    public int asked() {
        return asked.get();
    }

    /** From now on other bytes come under that digest. */
    public void damage(String kind, Digest digest) {
        byte[] bytes = get(kind, digest).clone();
        bytes[bytes.length / 2] ^= 1;
        files.put(kind + "/" + digest.hex(), bytes);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private byte[] listed() {
        StringBuilder items = new StringBuilder();
        files.forEach((name, bytes) -> {
            if (name.startsWith("sources/")) {
                try {
                    SourcePackage source = SourcePackage.read(bytes);
                    items.append(items.isEmpty() ? "" : ",")
                            .append("{\"digest\":\"%s\",\"module\":\"%s\",\"moduleVersion\":\"%s\"}"
                                    .formatted(
                                            source.digest(),
                                            source.conf().name(),
                                            source.conf().version()));
                } catch (Refusal e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        return ("{\"items\":[" + items + "]}").getBytes(StandardCharsets.UTF_8);
    }

    private void answer(HttpExchange exchange) throws IOException {
        asked.incrementAndGet();
        try (exchange) {
            String name = exchange.getRequestURI().getPath().substring("/api/v1/".length());
            if (exchange.getRequestMethod().equals("PUT")) {
                files.put(name, exchange.getRequestBody().readAllBytes());
                exchange.sendResponseHeaders(201, -1);
                return;
            }
            byte[] bytes = name.equals("sources") ? listed() : files.get(name);
            byte[] body =
                    bytes == null ? "{\"status\":404,\"detail\":\"not here\"}".getBytes(StandardCharsets.UTF_8) : bytes;
            exchange.sendResponseHeaders(bytes == null ? 404 : 200, body.length);
            exchange.getResponseBody().write(body);
        }
    }
}
