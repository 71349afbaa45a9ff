package io.kmodfleet.deploy.bench;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** An nginx of our own that serves one directory as its package sets it up: sendfile, one worker for each core, no access log. */
final class Nginx implements AutoCloseable {

    private static final Path PROGRAM = Path.of("/usr/sbin/nginx");

    private final Path home;
    private final Process process;
    private final int port;

    private Nginx(Path home, Process process, int port) {
        this.home = home;
        this.process = process;
        this.port = port;
    }

    static Optional<String> missing() {
        return Files.isExecutable(PROGRAM)
                ? Optional.empty()
                : Optional.of(
                        "Expected nginx to measure beside, but it is not installed. Run: apt-get install nginx-light");
    }

    static Nginx start(Path files) throws IOException, InterruptedException {
        Path home = Files.createTempDirectory("kmodfleet-bench-nginx");
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Path settings = Files.writeString(home.resolve("nginx.conf"), """
                daemon off;
                user root;
                worker_processes auto;
                pid %1$s/nginx.pid;
                error_log %1$s/error.log;
                events { worker_connections 768; }
                http {
                    access_log off;
                    sendfile on;
                    tcp_nopush on;
                    keepalive_requests 1000000;
                    default_type application/octet-stream;
                    client_body_temp_path %1$s; proxy_temp_path %1$s; fastcgi_temp_path %1$s;
                    uwsgi_temp_path %1$s; scgi_temp_path %1$s;
                    server { listen 127.0.0.1:%2$d; root %3$s; }
                }
                """.formatted(home, port, files));
        Process process = new ProcessBuilder(
                        List.of(PROGRAM.toString(), "-p", home.toString(), "-c", settings.toString()))
                .inheritIO()
                .start();
        Nginx nginx = new Nginx(home, process, port);
        for (int i = 0; i < 100 && !nginx.answers(); i++) {
            Thread.sleep(50);
        }
        return nginx;
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + port);
    }

    private boolean answers() {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    static void deleteAll(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        process.onExit().join();
        deleteAll(home);
    }
}
