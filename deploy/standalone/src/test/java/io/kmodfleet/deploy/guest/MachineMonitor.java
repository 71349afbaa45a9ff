package io.kmodfleet.deploy.guest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** QEMU's own command line (QEMU Human Monitor Interface): what it prints before its next prompt is the answer. */
final class MachineMonitor implements AutoCloseable {

    private static final String PROMPT = "(qemu) ";
    private static final long LIMIT_NANOS = TimeUnit.MINUTES.toNanos(2);

    private final SocketChannel socket;

    private MachineMonitor(SocketChannel socket) {
        this.socket = socket;
    }

    static MachineMonitor open(Path path) throws IOException, InterruptedException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(path));
        socket.configureBlocking(false);
        MachineMonitor monitor = new MachineMonitor(socket);
        monitor.answer();
        return monitor;
    }

    /** Waits until it is done. */
    void command(String command) throws IOException, InterruptedException {
        socket.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.UTF_8)));
        String answer = answer();
        if (answer.contains("Error")) {
            throw new IOException("Expected QEMU to carry out '" + command + "', but it said: " + answer);
        }
    }

    private String answer() throws IOException, InterruptedException {
        StringBuilder text = new StringBuilder();
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        long end = System.nanoTime() + LIMIT_NANOS;
        while (!text.toString().endsWith(PROMPT)) {
            int read = socket.read(buffer.clear());
            if (read > 0) {
                text.append(new String(buffer.array(), 0, read, StandardCharsets.UTF_8));
            } else if (read < 0 || System.nanoTime() > end) {
                throw new IOException("Expected an answer of QEMU's monitor, but got only: " + text);
            } else {
                Thread.sleep(20);
            }
        }
        return text.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
