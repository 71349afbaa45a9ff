package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs programs of the host, in its root, without a shell. Each run is a tree of processes of its own without a network, and ends
 * as a whole: with the program, with the time limit, or with the agent.
 */
public final class HostPrograms {

    private static final int MOST_OUTPUT = 16 * 1024 * 1024;

    private final HostRoot root;
    private final boolean confinable;

    public HostPrograms(HostRoot root) {
        this.root = root;
        this.confinable = canConfine();
    }

    /** @param exitCode as the program ended; {@link #TIMED_OUT} where it was ended */
    public record Outcome(int exitCode, String output) {

        public static final int TIMED_OUT = -1;

        public boolean isSuccess() {
            return exitCode == 0;
        }

        /** The last line that says something. */
        public String lastLine() {
            List<String> lines = output.lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty())
                    .toList();
            return lines.isEmpty() ? "" : lines.get(lines.size() - 1);
        }
    }

    /** Runs it to its end; both its outputs are collected. */
    public Outcome run(Duration limit, List<String> arguments) throws IOException {
        Path output = Files.createTempFile("kmodfleet-", ".out");
        Process process = null;
        try {
            ProcessBuilder builder = new ProcessBuilder(line(arguments))
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(output.toFile());
            builder.environment().clear();
            builder.environment().put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
            builder.environment().put("LC_ALL", "C");
            builder.environment().put("HOME", "/root");
            process = builder.start();
            boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            return new Outcome(ended ? process.exitValue() : Outcome.TIMED_OUT, read(output));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Outcome(Outcome.TIMED_OUT, "the agent was ended");
        } finally {
            if (process != null) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
            Files.deleteIfExists(output);
        }
    }

    private List<String> line(List<String> arguments) {
        List<String> line = new ArrayList<>();
        if (confinable) {
            line.addAll(List.of("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"));
            if (!root.isRunningSystem()) {
                line.addAll(List.of("--root=" + root.directory(), "--wd=/"));
            }
        } else if (!root.isRunningSystem()) {
            line.addAll(List.of("chroot", root.directory().toString()));
        }
        line.addAll(arguments);
        return line;
    }

    /** Namespaces want root, and a kernel that lets it have them. */
    private static boolean canConfine() {
        try {
            Process probe = new ProcessBuilder(
                            "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "true")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return probe.waitFor(10, TimeUnit.SECONDS) && probe.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static String read(Path output) throws IOException {
        try (var in = Files.newInputStream(output)) {
            return new String(in.readNBytes(MOST_OUTPUT), java.nio.charset.StandardCharsets.UTF_8);
        }
    }
}
