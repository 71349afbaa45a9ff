package io.kmodfleet.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands before a server and does to its connections what networks do. */
public final class FlakyNetwork implements AutoCloseable {

    private final int target;
    private final ServerSocket server;
    private final List<Socket> open = new CopyOnWriteArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "flaky-network");
        thread.setDaemon(true);
        return thread;
    });
    private final AtomicInteger busyAnswers = new AtomicInteger();
    private final AtomicInteger connections = new AtomicInteger();
    private volatile boolean stalls;
    private volatile long cutOnceAfter = Long.MAX_VALUE;

    public FlakyNetwork(int target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort());
    }

    /** Ends every connection, then takes requests and never answers. */
    public void stall(boolean now) throws IOException {
        stalls = now;
        for (Socket socket : open) {
            socket.close();
        }
        open.clear();
    }

    /** The next connections are answered with a 503. */
    public void answerBusy(int times) {
        busyAnswers.set(times);
    }

    /** The next answer that is longer than this ends there. */
    public void cutOnceAfter(long bytes) {
        cutOnceAfter = bytes;
    }

    public int connections() {
        return connections.get();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                open.add(client);
                connections.incrementAndGet();
                threads.execute(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            if (stalls) {
                client.getInputStream().transferTo(OutputStream.nullOutputStream());
                return;
            }
            if (busyAnswers.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                client.getInputStream().read(new byte[64 * 1024]);
                client.getOutputStream()
                        .write("HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                return;
            }
            try (Socket upstream = new Socket("127.0.0.1", target)) {
                open.add(upstream);
                threads.execute(() -> copy(client, upstream, Long.MAX_VALUE));
                copy(upstream, client, cutOnceAfter);
            }
        } catch (IOException e) {
            // The connection is over.
        }
    }

    private void copy(Socket from, Socket to, long most) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[16 * 1024];
            long copied = 0;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                if (copied + count > most) {
                    cutOnceAfter = Long.MAX_VALUE;
                    break;
                }
                out.write(buffer, 0, count);
                out.flush();
                copied += count;
            }
            to.close();
        } catch (IOException e) {
            // The connection is over.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : open) {
            socket.close();
        }
        threads.shutdownNow();
    }
}
