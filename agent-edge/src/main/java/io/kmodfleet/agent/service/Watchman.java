package io.kmodfleet.agent.service;

import io.kmodfleet.agent.Agent;
import io.kmodfleet.agent.Heart;
import io.kmodfleet.agent.bus.CommandBell;
import io.kmodfleet.agent.host.KernelWatch;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Waits for a command, for a change of the host's kernels, or for the time of the next look, and has a shift see to it. Shifts
 * never overlap. In between it says that it lives.
 */
final class Watchman implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(Watchman.class);

    /** Between two signs of life to systemd. */
    private static final Duration ROUND = Duration.ofMinutes(2);

    private static final Duration FIRST_RETRY = Duration.ofSeconds(15);
    private static final Duration LAST_RETRY = Duration.ofMinutes(15);

    private final Agent.Settings settings;
    private final ServiceManager manager;
    private final FileChannel lock;
    private final KernelWatch watch;
    private Optional<CommandBell> bell = Optional.empty();
    private Optional<Heart> heart = Optional.empty();
    private Optional<ShiftReport> last = Optional.empty();
    private long nextLookAt;
    private Duration retryAfter = FIRST_RETRY;
    private Optional<Long> retryAt = Optional.empty();

    Watchman(Agent.Settings settings, ServiceManager manager) throws IOException {
        this.settings = settings;
        this.manager = manager;
        this.lock = lock(settings.state());
        this.watch =
                new KernelWatch(settings.root(), !settings.observeOnly(), () -> bell.ifPresent(CommandBell::wakeUp));
    }

    /** Until interrupted. */
    void watch() throws IOException, InterruptedException {
        manager.turned();
        work();
        System.gc();
        while (!Thread.currentThread().isInterrupted()) {
            manager.turned();
            // While a shift works, it is the shift that says so.
            heart.ifPresent(Heart::beatWhereDue);
            boolean rings = waitForSomething();
            long now = System.nanoTime();
            boolean changed = watch.due(now).filter(Duration::isZero).isPresent();
            if (rings || changed || now - nextLookAt >= 0 || isRetryDue(now)) {
                work();
            }
        }
    }

    @Override
    public void close() throws IOException {
        watch.close();
        bell.ifPresent(CommandBell::close);
        heart.ifPresent(Heart::close);
        lock.close();
    }

    /** Held all the time, unlike the agent's own: one service on a host, and others can see that it runs. */
    private static FileChannel lock(Path state) throws IOException {
        Files.createDirectories(state);
        FileChannel channel = FileChannel.open(
                state.resolve(Agent.SERVICE_LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (channel.tryLock() == null) {
            channel.close();
            throw new IOException("Expected to be the only service with its state in " + state
                    + ", but another one runs. See systemctl status kmodfleet-agent");
        }
        return channel;
    }

    private boolean waitForSomething() throws InterruptedException {
        Duration patience = untilDue(System.nanoTime());
        if (bell.isEmpty()) {
            Thread.sleep(patience.toMillis());
            return false;
        }
        return bell.get().rings(patience);
    }

    private Duration untilDue(long now) {
        Duration due = shorter(ROUND, Duration.ofNanos(Math.max(0, nextLookAt - now)));
        due = shorter(due, watch.due(now).orElse(due));
        if (heart.isPresent()) {
            due = shorter(due, heart.get().untilDue(now));
        }
        return retryAt.isEmpty() ? due : shorter(due, Duration.ofNanos(Math.max(0, retryAt.get() - now)));
    }

    /** Nothing is sent by starting a shift while no broker answers; to ask whether one does costs little. */
    private boolean isRetryDue(long now) {
        if (retryAt.isEmpty() || now - retryAt.get() < 0) {
            return false;
        }
        if (bell.isEmpty() || bell.get().isAnswered()) {
            return true;
        }
        retryLater(ROUND);
        return false;
    }

    private void work() throws IOException, InterruptedException {
        watch.looking();
        Optional<ShiftReport> report = ShiftProcess.run(last, bell.map(CommandBell::place), manager::turned);
        nextLookAt = System.nanoTime() + settings.lookEvery().toNanos();
        if (report.isEmpty()) {
            LOG.warnf("the work was not done to its end, it is tried again seconds=%d", retryAfter.toSeconds());
            retryLater(LAST_RETRY);
            return;
        }
        if (report.get().isWaiting()) {
            retryLater(LAST_RETRY);
        } else {
            retryAt = Optional.empty();
            retryAfter = FIRST_RETRY;
        }
        if (bell.isEmpty()) {
            bell = Optional.of(new CommandBell(
                    settings.kafka(), report.get().host(), report.get().place()));
            heart = Optional.of(new Heart(
                    report.get().host(),
                    settings.root(),
                    settings.state(),
                    settings.kafka(),
                    settings.heartbeatEvery()));
        } else {
            bell.get().moveTo(report.get().place());
        }
        last = report;
    }

    private void retryLater(Duration atMost) {
        retryAfter = shorter(retryAfter, atMost);
        retryAt = Optional.of(System.nanoTime() + retryAfter.toNanos());
        retryAfter = shorter(retryAfter.multipliedBy(2), LAST_RETRY);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
