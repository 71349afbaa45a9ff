package io.kmodfleet.agent;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Shows on a terminal how a build goes on: its log as it grows, and below it a bar. How far it is, is known only by the stages that
 * dkms names; a bar by time would be a guess.
 */
final class BuildProgress implements AutoCloseable {

    private static final long EVERY_MILLIS = 250;
    private static final int MOST = 64 * 1024;
    private static final int BAR = 24;

    private final Screen screen;
    private final Path log;
    private final Thread thread = new Thread(this::follow, "build-progress");
    private volatile boolean ended;
    private long at;
    private long begun;
    private Stage stage = Stage.FETCH;

    /** What dkms says when it gets there, and how much of the way that is, in twelfths. */
    enum Stage {
        FETCH("fetching the source", 1, List.of()),
        ADD("entering the source into dkms", 2, List.of("Creating symlink")),
        BUILD("compiling", 4, List.of("Building module", "make -j", "make KERNELRELEASE")),
        CLEAN("compiled", 9, List.of("Cleaning build area")),
        INSTALL("installing", 10, List.of("Running module version sanity check", "- Installation")),
        DEPMOD("making modules.dep", 11, List.of("depmod"));

        private final String words;
        private final int twelfths;
        private final List<String> signs;

        Stage(String words, int twelfths, List<String> signs) {
            this.words = words;
            this.twelfths = twelfths;
            this.signs = signs;
        }

        /** Where a line of the log leaves it. dkms cleans before it compiles, too. */
        Stage after(String line) {
            for (Stage next : values()) {
                boolean early = next == CLEAN && this != BUILD;
                if (!early && next.signs.stream().anyMatch(line::contains)) {
                    return next.ordinal() > ordinal() ? next : this;
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
            stage = Stage.FETCH;
            begun = 0;
        }
        if (size > at) {
            begun = begun == 0 ? System.nanoTime() : begun;
            for (String line : read(size).split("[\\r\\n]+")) {
                stage = stage.after(line);
                if (!line.isBlank()) {
                    screen.line("  ", line);
                }
            }
        }
        if (begun != 0) {
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
