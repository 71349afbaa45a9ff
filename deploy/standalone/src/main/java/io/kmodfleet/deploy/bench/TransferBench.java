package io.kmodfleet.deploy.bench;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.deploy.standalone.Stack;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** What many transfers at the same time cost the store in memory: the most that its process had resident meanwhile. */
final class TransferBench {

    private static final int BUFFER = 64 * 1024;

    /** As large as a log may be, less the number that makes each another one. */
    private static final int UPLOAD_BYTES = 15_000_000;

    private final BenchStack bench;
    private final URI store;
    private final int transfers;
    private final int megabytes;

    TransferBench(BenchStack bench, int transfers, int megabytes) {
        this.bench = bench;
        this.store = bench.stack().storeUrl();
        this.transfers = transfers;
        this.megabytes = megabytes;
    }

    void run() throws Exception {
        String path = "/api/v1/logs/" + place(megabytes * 1_000_000L);
        byte[] upload = new byte[UPLOAD_BYTES];
        new Random(42).nextBytes(upload);
        System.out.println("[INFO] warming up");
        download(path);
        upload(upload, -1);
        Table.title(transfers + " transfers at the same time; resident memory (PSS) of the store");
        Table.row("before", Table.number(memory() / 1e6) + " MB");
        together("downloads of " + megabytes + " MB each", megabytes * 1_000_000L, number -> download(path));
        together("uploads of " + UPLOAD_BYTES / 1_000_000 + " MB each", UPLOAD_BYTES, number -> upload(upload, number));
    }

    private interface Transfer {
        void run(int number) throws IOException;
    }

    private void together(String what, long bytes, Transfer transfer) throws Exception {
        AtomicLong most = new AtomicLong();
        ExecutorService threads = Executors.newFixedThreadPool(transfers);
        Thread watch = new Thread(() -> watch(most));
        watch.setDaemon(true);
        watch.start();
        long begin = System.nanoTime();
        try {
            List<Future<Void>> all = new ArrayList<>();
            for (int i = 0; i < transfers; i++) {
                int number = i;
                Callable<Void> one = () -> {
                    transfer.run(number);
                    return null;
                };
                all.add(threads.submit(one));
            }
            for (Future<Void> one : all) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
            watch.interrupt();
            watch.join();
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        Table.row(what + ": at most", Table.number(most.get() / 1e6) + " MB");
        Table.row(what + ": throughput", Table.number(bytes * transfers / 1e6 / seconds) + " MB/s");
    }

    private void watch(AtomicLong most) {
        try {
            while (true) {
                most.accumulateAndGet(memory(), Math::max);
                Thread.sleep(50);
            }
        } catch (InterruptedException e) {
            most.accumulateAndGet(memory(), Math::max);
        }
    }

    private long memory() {
        return bench.stack().memoryOf(Stack.STORE);
    }

    /** No kind of file may be that large when it is uploaded: it is laid where the store keeps its files. */
    private String place(long bytes) throws IOException, SQLException {
        Path file = Files.createTempFile("kmodfleet-bench", ".log");
        MessageDigest hash = Digest.sha256();
        byte[] part = new byte[1_000_000];
        Random random = new Random(42);
        try (OutputStream out = Files.newOutputStream(file)) {
            for (long left = bytes; left > 0; left -= part.length) {
                random.nextBytes(part);
                hash.update(part);
                out.write(part);
            }
        }
        Digest digest = Digest.of(hash);
        Path place = bench.stack()
                .storeDirectory()
                .resolve("blobs")
                .resolve(digest.hex().substring(0, 2))
                .resolve(digest.hex().substring(2, 4))
                .resolve(digest.hex());
        Files.createDirectories(place.getParent());
        Files.move(file, place);
        String url = bench.stack().databaseUrl().replace("/coordinator", "/store");
        try (Connection connection = DriverManager.getConnection(url, "postgres", "")) {
            for (String sql : List.of(
                    "insert into blob (digest, size, checked_at) values (?, ?, now())",
                    "insert into build_log (digest, size, stored_at) values (?, ?, now())")) {
                try (PreparedStatement insert = connection.prepareStatement(sql)) {
                    insert.setString(1, digest.toString());
                    insert.setLong(2, bytes);
                    insert.executeUpdate();
                }
            }
        }
        return digest.hex();
    }

    private void download(String path) throws IOException {
        byte[] buffer = new byte[BUFFER];
        try (Socket socket = new Socket(store.getHost(), store.getPort())) {
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            InputStream in = new BufferedInputStream(socket.getInputStream(), BUFFER);
            long read = 0;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                read += count;
            }
            if (read < megabytes * 1_000_000L) {
                throw new IOException("Expected " + megabytes + " MB, but got " + read + " bytes");
            }
        }
    }

    private void upload(byte[] bytes, int number) throws IOException {
        byte[] head = ByteBuffer.allocate(8).putLong(number).array();
        MessageDigest hash = Digest.sha256();
        hash.update(head);
        hash.update(bytes);
        HttpURLConnection connection = (HttpURLConnection)
                store.resolve("/api/v1/logs/" + Digest.of(hash).hex()).toURL().openConnection();
        connection.setRequestMethod("PUT");
        connection.setDoOutput(true);
        connection.setFixedLengthStreamingMode(head.length + bytes.length);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(head);
            out.write(bytes);
        }
        if (connection.getResponseCode() / 100 != 2) {
            throw new IOException("Expected the log to be taken, but got " + connection.getResponseCode());
        }
    }
}
