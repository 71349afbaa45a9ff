package io.kmodfleet.agent.service;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Tells systemd that the service is ready, and then, seldom, that its main loop still turns. The JDK has no datagram sockets of
 * the UNIX family (JEP 380 left them out), so {@code systemd-notify} does it: a process of milliseconds, every few minutes.
 */
final class ServiceManager {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final boolean present;
    private final Optional<Duration> tellEvery;
    private long toldAt;
    private boolean ready;

    ServiceManager(Map<String, String> environment) {
        this.present = environment.containsKey("NOTIFY_SOCKET");
        // A third of what systemd waits: one message may be late, or lost.
        this.tellEvery = Optional.ofNullable(environment.get("WATCHDOG_USEC"))
                .map(micros -> Duration.of(Long.parseLong(micros), java.time.temporal.ChronoUnit.MICROS)
                        .dividedBy(3));
    }

    /** The main loop has made a round. */
    void turned() {
        if (!present) {
            return;
        }
        long now = System.nanoTime();
        if (!ready) {
            ready = tell(List.of("--ready", "--status=Looking after the kernel modules of this host"));
            toldAt = now;
        } else if (tellEvery.isPresent() && now - toldAt >= tellEvery.get().toNanos()) {
            tell(List.of("WATCHDOG=1"));
            toldAt = now;
        }
    }

    private static boolean tell(List<String> what) {
        List<String> line = new ArrayList<>(List.of("systemd-notify"));
        line.addAll(what);
        try {
            Process process = new ProcessBuilder(line)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
