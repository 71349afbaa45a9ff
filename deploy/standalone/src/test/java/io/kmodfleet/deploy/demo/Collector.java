package io.kmodfleet.deploy.demo;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** Takes spans over OTLP/HTTP as a collector would, and keeps them: of opentelemetry-proto only what is looked at. */
final class Collector implements AutoCloseable {

    private final HttpServer server;
    private final List<Told> spans = new CopyOnWriteArrayList<>();

    /** @param attributes those that are texts */
    record Told(
            String service,
            String trace,
            String span,
            Optional<String> parent,
            String name,
            Instant begin,
            Instant end,
            Map<String, String> attributes) {}

    Collector() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/v1/traces", exchange -> {
            take(ByteBuffer.wrap(exchange.getRequestBody().readAllBytes()));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    /** With which coordinator and store tell it everything at once. */
    Map<String, String> settings() {
        return Map.of(
                "QUARKUS_OTEL_SDK_DISABLED",
                "false",
                "QUARKUS_OTEL_EXPORTER_OTLP_ENDPOINT",
                "http://127.0.0.1:" + server.getAddress().getPort(),
                "QUARKUS_OTEL_EXPORTER_OTLP_PROTOCOL",
                "http/protobuf",
                "QUARKUS_OTEL_BSP_SCHEDULE_DELAY",
                "200ms");
    }

    List<Told> spans() {
        return spans;
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void take(ByteBuffer request) {
        for (ByteBuffer resourceSpans : fields(request).of(1)) {
            Fields resource = fields(resourceSpans);
            String service = resource.of(1).stream()
                    .map(one -> attributes(fields(one).of(1)).getOrDefault("service.name", ""))
                    .findFirst()
                    .orElse("");
            for (ByteBuffer scope : resource.of(2)) {
                fields(scope).of(2).forEach(span -> spans.add(told(service, fields(span))));
            }
        }
    }

    private static Told told(String service, Fields span) {
        String parent = span.hex(4);
        return new Told(
                service,
                span.hex(1),
                span.hex(2),
                parent.isEmpty() ? Optional.empty() : Optional.of(parent),
                span.text(5),
                span.instant(7),
                span.instant(8),
                attributes(span.of(9)));
    }

    private static Map<String, String> attributes(List<ByteBuffer> keyValues) {
        Map<String, String> attributes = new HashMap<>();
        for (ByteBuffer keyValue : keyValues) {
            Fields pair = fields(keyValue);
            attributes.put(pair.text(1), fields(pair.of(2).get(0)).text(1));
        }
        return attributes;
    }

    /** The fields of one message by their numbers (Protocol Buffers, "Encoding"). */
    private record Fields(Map<Integer, List<ByteBuffer>> byNumber) {

        List<ByteBuffer> of(int number) {
            return byNumber.getOrDefault(number, List.of()).stream()
                    .map(ByteBuffer::slice)
                    .toList();
        }

        String text(int number) {
            return of(number).stream()
                    .map(bytes -> StandardCharsets.UTF_8.decode(bytes).toString())
                    .findFirst()
                    .orElse("");
        }

        String hex(int number) {
            return of(number).stream()
                    .map(bytes -> {
                        byte[] copy = new byte[bytes.remaining()];
                        bytes.get(copy);
                        return HexFormat.of().formatHex(copy);
                    })
                    .findFirst()
                    .orElse("");
        }

        Instant instant(int number) {
            long nanos = of(number).get(0).order(ByteOrder.LITTLE_ENDIAN).getLong();
            return Instant.ofEpochSecond(nanos / 1_000_000_000, nanos % 1_000_000_000);
        }
    }

    private static Fields fields(ByteBuffer message) {
        Map<Integer, List<ByteBuffer>> fields = new HashMap<>();
        while (message.hasRemaining()) {
            long tag = varint(message);
            int length =
                    switch ((int) (tag & 7)) {
                        case 0 -> {
                            varint(message);
                            yield 0;
                        }
                        case 1 -> 8;
                        case 2 -> (int) varint(message);
                        case 5 -> 4;
                        default -> throw new IllegalStateException("Expected no such wire type, but got " + tag);
                    };
            fields.computeIfAbsent((int) (tag >>> 3), any -> new ArrayList<>())
                    .add(message.slice(message.position(), length));
            message.position(message.position() + length);
        }
        return new Fields(fields);
    }

    private static long varint(ByteBuffer message) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = message.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }
}
