package io.kmodfleet.agent.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Notices that kernels or modules of a host come, go or change: by inotify, and by the hooks of its package manager, which touch
 * {@link #SIGN}. An installation changes hundreds of files; it is over when nothing has changed for a while.
 */
public final class KernelWatch implements AutoCloseable {

    /** What hooks touch. */
    public static final String SIGN = "/run/kmodfleet/changed";

    private static final Logger LOG = Logger.getLogger(KernelWatch.class);
    private static final Duration QUIET = Duration.ofSeconds(2);

    /** Whoever changes something all the time is looked at all the same. */
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private final HostRoot root;
    private final Runnable whenChanged;
    private final Optional<WatchService> service;
    private final Set<Path> watched = new HashSet<>();
    private final Thread thread = new Thread(this::watch, "kernel-watch");
    private long firstAt;
    private long lastAt;
    private boolean pending;

    /**
     * @param mayChange whether room may be made on the host for what hooks touch
     * @param whenChanged told at the first change after a look, by another thread
     */
    public KernelWatch(HostRoot root, boolean mayChange, Runnable whenChanged) {
        this.root = root;
        this.whenChanged = whenChanged;
        this.service = newService(root);
        if (mayChange) {
            makeRoomForSign();
        }
        if (service.isPresent()) {
            registerAll();
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static Optional<WatchService> newService(HostRoot root) {
        try {
            return Optional.of(root.directory().getFileSystem().newWatchService());
        } catch (IOException e) {
            LOG.warnf(
                    "kernels are not watched, only looked at now and then: this system has no inotify instance left"
                            + " (fs.inotify.max_user_instances) error=%s",
                    e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * How long until the host should be looked at for what has changed.
     *
     * @param nanos of the monotonic clock
     * @return zero: now; none where nothing has changed since the last look
     */
    public synchronized Optional<Duration> due(long nanos) {
        if (!pending) {
            return Optional.empty();
        }
        long at = Math.min(lastAt + QUIET.toNanos(), firstAt + LONGEST.toNanos());
        return Optional.of(Duration.ofNanos(Math.max(0, at - nanos)));
    }

    /** The host is being looked at now: what changes from here on is another change. */
    public synchronized void looking() {
        pending = false;
    }

    @Override
    public void close() throws IOException {
        if (service.isPresent()) {
            service.get().close();
        }
    }

    private void watch() {
        try {
            while (true) {
                WatchKey key = service.orElseThrow().take();
                boolean events = !key.pollEvents().isEmpty();
                if (!key.reset()) {
                    watched.remove((Path) key.watchable());
                }
                if (events && changed()) {
                    whenChanged.run();
                }
                registerAll();
            }
        } catch (ClosedWatchServiceException e) {
            // It ends.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean changed() {
        long now = System.nanoTime();
        boolean first = !pending;
        firstAt = first ? now : firstAt;
        lastAt = now;
        pending = true;
        return first;
    }

    /** Directories that have come are watched from now on; what they already hold was part of the change. */
    private void registerAll() {
        for (Path directory : directories()) {
            if (watched.add(directory)) {
                try {
                    directory.register(
                            service.orElseThrow(),
                            StandardWatchEventKinds.ENTRY_CREATE,
                            StandardWatchEventKinds.ENTRY_DELETE,
                            StandardWatchEventKinds.ENTRY_MODIFY);
                } catch (IOException e) {
                    watched.remove(directory);
                    LOG.debugf("directory not watched directory=%s error=%s", directory, e);
                }
            }
        }
    }

    private List<Path> directories() {
        List<Path> all = new ArrayList<>();
        all.add(root.at("/boot"));
        all.add(root.at("/boot/loader/entries"));
        all.add(root.at(SIGN).getParent());
        Path modules = root.at("/lib/modules");
        all.add(modules);
        try (DirectoryStream<Path> kernels = Files.newDirectoryStream(modules)) {
            for (Path kernel : kernels) {
                all.add(kernel);
                all.add(kernel.resolve("updates"));
                all.add(kernel.resolve("updates/dkms"));
                all.add(kernel.resolve("extra"));
            }
        } catch (IOException | UncheckedIOException | java.nio.file.DirectoryIteratorException e) {
            LOG.debugf("kernels not listed error=%s", e);
        }
        all.removeIf(directory -> !Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS));
        return all;
    }

    /** Without it hooks have nothing to touch; files are watched all the same. */
    private void makeRoomForSign() {
        try {
            Files.createDirectories(root.at(SIGN).getParent());
        } catch (IOException e) {
            LOG.debugf("hooks cannot reach this agent error=%s", e);
        }
    }
}
