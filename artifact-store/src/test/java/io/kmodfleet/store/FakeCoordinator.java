package io.kmodfleet.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Answers as the coordinator does about packages, over real HTTP: what it was told, and otherwise that nobody has them. */
public final class FakeCoordinator implements AutoCloseable {

    private final HttpServer server;
    private final Map<String, ObjectNode> standings = new ConcurrentHashMap<>();
    private volatile boolean broken;

    public FakeCoordinator() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/v1/package-standings", exchange -> {
            ArrayNode items = FleetJson.mapper().createArrayNode();
            for (JsonNode asked :
                    FleetJson.mapper().readTree(exchange.getRequestBody()).path("packages")) {
                String digest = asked.path("digest").asText();
                items.add(standings.getOrDefault(digest, standing(digest, "candidate", 0, 0)));
            }
            byte[] body =
                    FleetJson.writeBytes(FleetJson.mapper().createObjectNode().set("items", items));
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(broken ? 500 : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    public void says(Digest digest, String state, int hosts, int kernels) {
        standings.put(digest.toString(), standing(digest.toString(), state, hosts, kernels));
    }

    public void saysBuilders(Digest digest, int builders) {
        standings.put(
                digest.toString(),
                standing(digest.toString(), "candidate", 0, 0).put("builders", builders));
    }

    public void saysRecalled(Digest digest, String why) {
        standings.put(
                digest.toString(), standing(digest.toString(), "recalled", 0, 0).put("why", why));
    }

    public void breaks(boolean now) {
        broken = now;
    }

    public String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private static ObjectNode standing(String digest, String state, int hosts, int kernels) {
        return FleetJson.mapper()
                .createObjectNode()
                .put("digest", digest)
                .put("state", state)
                .put("builders", 0)
                .put("hosts", hosts)
                .put("kernels", kernels);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
