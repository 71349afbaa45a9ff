package io.kmodfleet.agent;

import io.kmodfleet.agent.bus.HeartbeatSender;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.Pulse;
import io.kmodfleet.contracts.HostId;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.kafka.common.errors.InterruptException;

/**
 * Says now and then that this host's agent lives, beside whatever it does. Where no broker answers nothing is said, and nothing is
 * kept to be said later. One thread at a time.
 */
public final class Heart implements AutoCloseable {

    private final HostId host;
    private final Pulse pulse;
    private final HeartbeatSender sender;
    private final Duration every;
    private long nextAt;

    /** The first beat is due at once. */
    public Heart(HostId host, HostRoot root, Path state, String kafka, Duration every) {
        this.host = host;
        this.pulse = new Pulse(root, state, Agent.VERSION);
        this.sender = new HeartbeatSender(kafka);
        this.every = every;
        this.nextAt = System.nanoTime();
    }

    /** Beats where it is time; waits a few seconds for the broker at most. */
    public void beatWhereDue() {
        long now = System.nanoTime();
        if (now - nextAt < 0) {
            return;
        }
        nextAt = now + every.toNanos();
        if (sender.send(pulse.next(host, now))) {
            pulse.sent(now);
        }
    }

    /** @param now by {@link System#nanoTime} */
    public Duration untilDue(long now) {
        return Duration.ofNanos(Math.max(0, nextAt - now));
    }

    /** Ends it. */
    public interface Beating extends AutoCloseable {
        @Override
        void close();
    }

    /** Beats in a thread of its own, for whoever works in the meantime; ends with the process, or when it is closed. */
    public static Beating beating(HostId host, Agent.Settings settings) {
        Thread thread = new Thread(
                () -> {
                    try (Heart heart = new Heart(
                            host, settings.root(), settings.state(), settings.kafka(), settings.heartbeatEvery())) {
                        while (!Thread.currentThread().isInterrupted()) {
                            heart.beatWhereDue();
                            Thread.sleep(heart.untilDue(System.nanoTime()).toMillis() + 1);
                        }
                    } catch (InterruptedException | InterruptException e) {
                        // The agent ends.
                    }
                },
                "heart");
        thread.setDaemon(true);
        thread.start();
        return thread::interrupt;
    }

    @Override
    public void close() {
        sender.close();
    }
}
