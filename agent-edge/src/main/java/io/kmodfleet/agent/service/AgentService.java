package io.kmodfleet.agent.service;

import io.kmodfleet.agent.Agent;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.errors.InterruptException;

/** What systemd starts. Its settings are the environment's; {@code kmodfleet-agent run} does the same with options. */
public final class AgentService {

    private static final int FAILED = 1;
    private static final int END_SECONDS = 20;

    private AgentService() {}

    public static void main(String[] arguments) {
        JournalLines.install(System.err);
        try {
            run(ServiceSettings.of(System.getenv(), Path.of("/")));
        } catch (IllegalArgumentException | IOException e) {
            System.err.println("[ERROR] " + e.getMessage());
            System.exit(FAILED);
        }
    }

    private static void run(Agent.Settings settings) throws IOException {
        Thread main = Thread.currentThread();
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(main, ended), "end"));
        try (Watchman watchman = new Watchman(settings, new ServiceManager(System.getenv()))) {
            watchman.watch();
        } catch (InterruptedException | InterruptException e) {
            // It was told to end.
        } finally {
            // So that nothing of what follows believes to be cut off.
            Thread.interrupted();
            ended.countDown();
        }
    }

    private static void end(Thread main, CountDownLatch ended) {
        main.interrupt();
        try {
            ended.await(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
