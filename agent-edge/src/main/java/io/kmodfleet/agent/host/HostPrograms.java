package io.kmodfleet.agent.host;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Runs programs of the host, in its root, without a shell. Each run is a tree of processes of its own without a network, and ends
 * as a whole: with the program, with the time limit, or with the agent, even where that was killed.
 */
public final class HostPrograms {

    private static final int MOST_OUTPUT = 16 * 1024 * 1024;
    private static final List<String> WITH_THE_AGENT = List.of("setpriv", "--pdeathsig", "KILL");
    private static final List<String> CONFINED =
            List.of("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc");

    private final HostRoot root;
    private final List<String> guards;

    public HostPrograms(HostRoot root) {
        this.root = root;
        this.guards = guardsThatWork();
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
    public Outcome run(Duration limit, List<String> arguments) throws IOException, InterruptedException {
        Path output = Files.createTempFile("kmodfleet-", ".out");
        try {
            return run(limit, output, arguments);
        } finally {
            Files.deleteIfExists(output);
        }
    }

    /** Runs it to its end; both its outputs are added to a file as they come. */
    public Outcome run(Duration limit, Path output, List<String> arguments) throws IOException, InterruptedException {
        long before = Files.exists(output) ? Files.size(output) : 0;
        ProcessBuilder builder = new ProcessBuilder(line(arguments))
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        builder.environment().clear();
        builder.environment()
                .putAll(Map.of(
                        "PATH",
                        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "LC_ALL",
                        "C",
                        "HOME",
                        "/root"));
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            return new Outcome(ended ? process.exitValue() : Outcome.TIMED_OUT, read(output, before));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private List<String> line(List<String> arguments) {
        List<String> line = new ArrayList<>(guards);
        if (!root.isRunningSystem()) {
            line.addAll(
                    guards.contains("unshare")
                            ? List.of("--root=" + root.directory(), "--wd=/")
                            : List.of("chroot", root.directory().toString()));
        }
        line.addAll(arguments);
        return line;
    }

    /** Namespaces want root, and a kernel that lets it have them; setpriv is older or missing on some systems. */
    private static List<String> guardsThatWork() {
        List<String> both = new ArrayList<>(WITH_THE_AGENT);
        both.addAll(CONFINED);
        for (List<String> guards : List.of(both, CONFINED, WITH_THE_AGENT)) {
            if (works(guards)) {
                return List.copyOf(guards);
            }
        }
        return List.of();
    }

    private static boolean works(List<String> guards) {
        List<String> line = new ArrayList<>(guards);
        line.add("true");
        try {
            Process probe = new ProcessBuilder(line)
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

    private static String read(Path output, long from) throws IOException {
        try (InputStream in = Files.newInputStream(output)) {
            in.skipNBytes(from);
            return new String(in.readNBytes(MOST_OUTPUT), StandardCharsets.UTF_8);
        }
    }
}
