package io.kmodfleet.agent;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Copies of host roots, so that a test changes nothing that another one uses. */
public final class Copies {

    private Copies() {}

    public static Path of(Path root, Path place) throws IOException, InterruptedException {
        run("cp", "-a", "--reflink=auto", root.toString(), place.toString());
        return place;
    }

    /** JUnit would warn of every absolute link in it. */
    public static void delete(Path directory) throws IOException, InterruptedException {
        run("rm", "-rf", "--one-file-system", directory.toString());
    }

    private static void run(String... line) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(line).inheritIO().start();
        if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IOException("Expected this to work, but it failed: " + String.join(" ", line));
        }
    }
}
