package io.kmodfleet.store;

import io.kmodfleet.store.StoreConfig.S3;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A real S3 server as a process of its own, with one empty bucket. */
public final class S3Server implements AutoCloseable {

    public static final String BUCKET = "kmodfleet";

    /** What the AWS SDK looks for in the environment of a process. */
    public static final Map<String, String> CREDENTIALS =
            Map.of("AWS_ACCESS_KEY_ID", "someone", "AWS_SECRET_ACCESS_KEY", "something");

    private static final Path JAR = Path.of("target/s3-server/s3-server.jar");
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final Path directory;
    private final Process process;
    private final int port;

    private S3Server(Path directory, Process process, int port) {
        this.directory = directory;
        this.process = process;
        this.port = port;
    }

    public static S3Server start() throws Exception {
        System.setProperty("aws.accessKeyId", CREDENTIALS.get("AWS_ACCESS_KEY_ID"));
        System.setProperty("aws.secretAccessKey", CREDENTIALS.get("AWS_SECRET_ACCESS_KEY"));
        Path directory = Files.createTempDirectory("kmodfleet-s3");
        int port = freePort();
        Process process = new ProcessBuilder(List.of(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx192m",
                        "-XX:TieredStopAtLevel=1",
                        "-jar",
                        JAR.toAbsolutePath().toString(),
                        "--server.port=0",
                        // As many answers at once as a real one gives; its own default is 8.
                        "--spring.task.execution.pool.core-size=100",
                        "--com.adobe.testing.s3mock.httpPort=" + port,
                        "--com.adobe.testing.s3mock.domain.root=" + directory,
                        "--com.adobe.testing.s3mock.domain.initialBuckets=" + BUCKET))
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("server.log").toFile())
                .start();
        S3Server server = new S3Server(directory, process, port);
        server.awaitAnswer();
        return server;
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + port);
    }

    public int port() {
        return port;
    }

    public S3 settings() {
        return new Settings(address(), Duration.ofSeconds(10));
    }

    /** How a store reaches a server of these tests. */
    public record Settings(Optional<URI> endpoint, Duration patience) implements S3 {

        public Settings(URI endpoint, Duration patience) {
            this(Optional.of(endpoint), patience);
        }

        @Override
        public Optional<String> bucket() {
            return Optional.of(BUCKET);
        }

        @Override
        public String region() {
            return "us-east-1";
        }

        @Override
        public boolean pathStyle() {
            return true;
        }

        @Override
        public Optional<String> prefix() {
            return Optional.empty();
        }
    }

    private void awaitAnswer() throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!answers()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new IllegalStateException("Expected the S3 server to answer, but it wrote: "
                        + Files.readString(directory.resolve("server.log")));
            }
            Thread.sleep(100);
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() throws Exception {
        process.destroy();
        process.waitFor();
        TestFiles.deleteAll(directory);
    }
}
