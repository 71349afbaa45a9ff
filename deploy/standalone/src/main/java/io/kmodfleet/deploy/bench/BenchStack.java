package io.kmodfleet.deploy.bench;

import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;

/** A fresh stack of its own, as {@code deploy/up} starts it, gone when the measurement is over. */
final class BenchStack implements AutoCloseable {

    private final Path workplace;
    private final Stack stack;

    private BenchStack(Path workplace, Stack stack) {
        this.workplace = workplace;
        this.stack = stack;
    }

    static BenchStack start() throws IOException, InterruptedException {
        return start(StackOptions.COORDINATOR_HEAP);
    }

    /** @param coordinatorHeap in MiB */
    static BenchStack start(int coordinatorHeap) throws IOException, InterruptedException {
        Path home = Path.of(System.getProperty("kmodfleet.home", "."))
                .toAbsolutePath()
                .normalize();
        Path workplace = Files.createTempDirectory("kmodfleet-bench");
        System.out.println("[INFO] starting a stack of its own in " + workplace);
        return new BenchStack(
                workplace,
                Stack.start(
                        StackOptions.embedded(home, workplace.resolve("data")).withCoordinatorHeap(coordinatorHeap),
                        line -> {}));
    }

    Stack stack() {
        return stack;
    }

    Connection database() throws SQLException {
        return DriverManager.getConnection(stack.databaseUrl(), "postgres", "");
    }

    long number(String sql) throws SQLException {
        try (Connection connection = database();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    long position() throws SQLException {
        return number("select coalesce(max(position), 0) from ledger");
    }

    /** CPU time in nanoseconds so far, of each part with all its children and of this process. */
    Map<String, Long> cpu() {
        Map<String, Long> cpu = new LinkedHashMap<>();
        stack.pids().forEach((name, pid) -> ProcessHandle.of(pid)
                .ifPresent(process -> cpu.put(
                        name,
                        Stream.concat(Stream.of(process), process.descendants())
                                .mapToLong(BenchStack::cpu)
                                .sum())));
        cpu.put("the benchmark itself", cpu(ProcessHandle.current()));
        return cpu;
    }

    private static long cpu(ProcessHandle process) {
        return process.info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
    }

    /** Publishes source and policy, and waits until they are in the ledger. */
    void begin() throws InterruptedException, SQLException {
        long before = position();
        try (KafkaProducer<String, byte[]> producer = Traffic.producer(stack.kafka(), 0)) {
            for (var envelope : Traffic.beginning(System.currentTimeMillis())) {
                producer.send(Traffic.record(envelope)).get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        await(before + 2, Duration.ofSeconds(30));
    }

    void await(long position, Duration patience) throws InterruptedException, SQLException {
        long end = System.nanoTime() + patience.toNanos();
        while (position() < position) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("Expected ledger position " + position + " within "
                        + patience.toSeconds() + " s, but it is at " + position());
            }
            Thread.sleep(50);
        }
    }

    @Override
    public void close() throws IOException {
        stack.close();
        try (Stream<Path> files = Files.walk(workplace)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
