package io.kmodfleet.deploy.guest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** Questions and answers of QEMU's guest agent (QEMU Guest Agent Protocol Reference): one JSON object a line, each way. */
final class GuestChannel implements AutoCloseable {

    private static final Duration ANSWER = Duration.ofSeconds(60);

    private final SocketChannel socket;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final ByteBuffer buffer = ByteBuffer.allocate(64 * 1024).limit(0);
    private long lastId;

    /** No answer came: the guest does not run, or not yet. */
    static final class Silent extends IOException {
        Silent(String message) {
            super(message);
        }
    }

    private GuestChannel(SocketChannel socket) {
        this.socket = socket;
    }

    static GuestChannel open(Path path, Process machine) throws IOException, InterruptedException {
        for (int i = 0; i < 200 && machine.isAlive() && Files.notExists(path); i++) {
            Thread.sleep(50);
        }
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(path));
        socket.configureBlocking(false);
        return new GuestChannel(socket);
    }

    /** What was asked before a reboot is answered after it, or never: reads on until the answer is to this very question. */
    void synchronize(Duration patience) throws IOException, InterruptedException {
        long id = ++lastId;
        send("guest-sync", FleetJson.mapper().createObjectNode().put("id", id));
        Instant end = Instant.now().plus(patience);
        while (true) {
            JsonNode answer = FleetJson.mapper().readTree(readLine(end));
            if (answer.path("return").asLong(-1) == id) {
                return;
            }
        }
    }

    JsonNode call(String command, ObjectNode arguments) throws IOException, InterruptedException {
        send(command, arguments);
        JsonNode answer = FleetJson.mapper().readTree(readLine(Instant.now().plus(ANSWER)));
        if (!answer.has("return")) {
            throw new Silent("Expected an answer of the guest to " + command + ", but got " + answer);
        }
        return answer.path("return");
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void send(String command, ObjectNode arguments) throws IOException, InterruptedException {
        ObjectNode question = FleetJson.mapper().createObjectNode().put("execute", command);
        question.set("arguments", arguments);
        ByteBuffer bytes = ByteBuffer.wrap((question + "\n").getBytes(StandardCharsets.UTF_8));
        Instant end = Instant.now().plus(ANSWER);
        while (bytes.hasRemaining()) {
            // Nobody empties the port while the guest boots.
            if (socket.write(bytes) == 0) {
                await(end);
            }
        }
    }

    private byte[] readLine(Instant end) throws IOException, InterruptedException {
        line.reset();
        while (true) {
            while (buffer.hasRemaining()) {
                byte next = buffer.get();
                if (next == '\n' && line.size() > 0) {
                    return line.toByteArray();
                }
                if (next != '\n') {
                    line.write(next);
                }
            }
            buffer.clear();
            int read = socket.read(buffer);
            buffer.flip();
            if (read < 0) {
                throw new Silent("Expected an answer of the guest, but its machine ended");
            }
            if (read == 0) {
                await(end);
            }
        }
    }

    private static void await(Instant end) throws IOException, InterruptedException {
        if (Instant.now().isAfter(end)) {
            throw new Silent("Expected an answer of the guest, but none came in time");
        }
        Thread.sleep(20);
    }
}
