package io.kmodfleet.agent;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Shows on a terminal how a build goes on: its log as it grows, and below it a bar. How far it is, is known only by the stages that
 * the log names; a bar by time would be a guess.
 */
final class BuildProgress implements AutoCloseable {

    private static final long EVERY_MILLIS = 250;
    private static final int MOST = 64 * 1024;
    private static final int BAR = 24;

    /** What follows the last stage says nothing in the log. */
    private static final long QUIET_NANOS = 3_000_000_000L;

    private final Screen screen;
    private final Path log;
    private final Thread thread = new Thread(this::follow, "build-progress");
    private volatile boolean ended;
    private long at;
    private long begun;
    private long grewAt;
    private Stage stage = Stage.TOOLCHAIN;

    /** What stands in the log where it begins, and how much of the way that is, in twelfths. */
    enum Stage {
        TOOLCHAIN("trying the toolchain", 1, "==> toolchain"),
        ADD("entering the source into dkms", 2, "==> dkms add"),
        BUILD("compiling", 4, "==> dkms build"),
        LINK("linking", 9, "LD [M]"),
        CHECK("checking what came out", 11, "==> check");

        private final String words;
        private final int twelfths;
        private final String sign;

        Stage(String words, int twelfths, String sign) {
            this.words = words;
            this.twelfths = twelfths;
            this.sign = sign;
        }

        /** Where a line of the log leaves it; never back, but where another build begins. */
        Stage after(String line) {
            if (line.contains(TOOLCHAIN.sign)) {
                return TOOLCHAIN;
            }
            for (Stage next : values()) {
                if (line.contains(next.sign) && next.ordinal() > ordinal()) {
                    return next;
                }
            }
            return this;
        }

        String bar(long seconds) {
            int filled = BAR * twelfths / 12;
            return "[" + "#".repeat(filled) + "·".repeat(BAR - filled) + "] " + words + ", " + seconds + " s";
        }
    }

    private BuildProgress(Screen screen, Path log) {
        this.screen = screen;
        this.log = log;
    }

    /** @param log the file that a build writes to; what it holds already is of an earlier one */
    static BuildProgress show(Screen screen, Path log) {
        BuildProgress progress = new BuildProgress(screen, log);
        progress.at = progress.size();
        if (screen.isTerminal()) {
            progress.thread.setDaemon(true);
            progress.thread.start();
        }
        return progress;
    }

    @Override
    public void close() {
        ended = true;
        thread.interrupt();
        try {
            thread.join(2 * EVERY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        screen.status("");
    }

    private void follow() {
        try {
            while (!ended) {
                Thread.sleep(EVERY_MILLIS);
                look();
            }
        } catch (InterruptedException e) {
            // It ends.
        }
    }

    private void look() {
        long size = size();
        if (size < at) {
            // Another build began the file anew.
            at = 0;
            stage = Stage.TOOLCHAIN;
            begun = 0;
        }
        if (size > at) {
            grewAt = System.nanoTime();
            begun = begun == 0 ? grewAt : begun;
            for (String line : read(size).split("[\\r\\n]+")) {
                stage = stage.after(line);
                if (!line.isBlank()) {
                    screen.line("  ", line);
                }
            }
        }
        boolean over = stage == Stage.CHECK && System.nanoTime() - grewAt > QUIET_NANOS;
        if (begun != 0 && over) {
            screen.status("");
            begun = 0;
        } else if (begun != 0) {
            screen.status(stage.bar((System.nanoTime() - begun) / 1_000_000_000));
        }
    }

    private String read(long size) {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            long from = Math.max(at, size - MOST);
            byte[] bytes = new byte[(int) (size - from)];
            file.seek(from);
            file.readFully(bytes);
            at = size;
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    private long size() {
        try {
            return Files.size(log);
        } catch (IOException e) {
            return 0;
        }
    }
}
