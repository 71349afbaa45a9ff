package io.kmodfleet.deploy.bench;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** As many requests as there is time for, over connections that stay open; takes as little of the machine as it can. */
final class HttpLoad {

    private static final int BUFFER = 256 * 1024;

    private HttpLoad() {}

    record Result(long requests, long bytes) {}

    /** @param conditional whether the client says that it has each file already, once it has seen its tag */
    static Result run(URI server, List<String> paths, int connections, int seconds, boolean conditional)
            throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(connections);
        try {
            long end = System.nanoTime() + seconds * 1_000_000_000L;
            List<Future<Result>> workers = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                int first = i;
                workers.add(threads.submit(() -> one(server, paths, first, end, conditional)));
            }
            long requests = 0;
            long bytes = 0;
            for (Future<Result> worker : workers) {
                requests += worker.get().requests();
                bytes += worker.get().bytes();
            }
            return new Result(requests, bytes);
        } finally {
            threads.shutdown();
        }
    }

    private static Result one(URI server, List<String> paths, int first, long end, boolean conditional)
            throws IOException {
        byte[] buffer = new byte[BUFFER];
        long requests = 0;
        long bytes = 0;
        String tag = "";
        try (Socket socket = new Socket(server.getHost(), server.getPort())) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream(), 16 * 1024);
            OutputStream out = socket.getOutputStream();
            for (int i = first; System.nanoTime() < end; i++) {
                String condition = tag.isEmpty() ? "" : "If-None-Match: " + tag + "\r\n";
                out.write(("GET " + paths.get(i % paths.size()) + " HTTP/1.1\r\nHost: bench\r\n" + condition + "\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
                Head head = head(in);
                if (head.status() != 200 && head.status() != 304) {
                    throw new IOException("Expected 200, but got " + head.status() + " from " + server);
                }
                tag = conditional ? head.tag() : "";
                for (long left = head.length(); left > 0; ) {
                    int count = in.read(buffer, 0, (int) Math.min(left, buffer.length));
                    if (count < 0) {
                        throw new EOFException("Expected " + left + " bytes more from " + server);
                    }
                    left -= count;
                    bytes += count;
                }
                requests++;
            }
        }
        return new Result(requests, bytes);
    }

    private record Head(int status, long length, String tag) {}

    private static Head head(InputStream in) throws IOException {
        int status = Integer.parseInt(line(in).split(" ")[1]);
        long length = 0;
        String tag = "";
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            String lower = line.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:") && status != 304) {
                length = Long.parseLong(line.substring(15).strip());
            } else if (lower.startsWith("etag:")) {
                tag = line.substring(5).strip();
            }
        }
        return new Head(status, length, tag);
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("Expected an answer, but the connection ended");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    static byte[] get(URI server, String path) throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) server.resolve(path).toURL().openConnection();
        try (InputStream in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }

    static void put(URI server, String path, byte[] bytes) throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) server.resolve(path).toURL().openConnection();
        connection.setRequestMethod("PUT");
        connection.setDoOutput(true);
        connection.setFixedLengthStreamingMode(bytes.length);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(bytes);
        }
        if (connection.getResponseCode() / 100 != 2) {
            throw new IOException("Expected " + path + " to be taken, but got " + connection.getResponseCode() + ": "
                    + new String(connection.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
        }
        try (InputStream in = connection.getInputStream()) {
            in.readAllBytes();
        }
    }
}
