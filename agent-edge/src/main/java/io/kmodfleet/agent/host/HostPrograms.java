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

    /** Of what the host's own work leaves: a build that needs more than that is no build. */
    private static final List<String> SCOPE = List.of(
            "systemd-run",
            "--scope",
            "--quiet",
            "--collect",
            "--property=CPUWeight=20",
            "--property=IOWeight=20",
            "--property=MemoryMax=75%",
            "--property=TasksMax=4096");

    /** Each pair of arguments up to "--" is shown in place of the other; then the program runs. */
    private static final String SHOWING =
            "set -e; while [ \"$1\" != -- ]; do mount --bind \"$1\" \"$2\"; shift 2; done; shift; exec \"$@\"";

    private final HostRoot root;
    private final List<String> guards;
    private Boolean scopes;

    public HostPrograms(HostRoot root) {
        this.root = root;
        this.guards = guardsThatWork();
    }

    /**
     * How a program is run.
     *
     * @param environment beside the few variables that every program gets
     * @param shown what it and its children see in place of what the host has
     * @param aside whether it runs at low priority and, where systemd runs, with limited memory and processes
     */
    public record Conditions(Duration limit, Map<String, String> environment, List<Shown> shown, boolean aside) {
        public Conditions {
            environment = Map.copyOf(environment);
            shown = List.copyOf(shown);
        }

        public static Conditions within(Duration limit) {
            return new Conditions(limit, Map.of(), List.of(), false);
        }
    }

    /** A file or directory that stands in another one's place, for one run alone: the host keeps its own. */
    public record Shown(Path what, Path inPlaceOf) {}

    /** Whether a run may be shown something else than the host has: that wants namespaces. */
    public boolean canShow() {
        return guards.contains("unshare");
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
        return run(Conditions.within(limit), output, arguments);
    }

    public Outcome run(Conditions conditions, Path output, List<String> arguments)
            throws IOException, InterruptedException {
        long before = Files.exists(output) ? Files.size(output) : 0;
        ProcessBuilder builder = new ProcessBuilder(line(conditions, arguments))
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
        builder.environment().putAll(conditions.environment());
        Process process = builder.start();
        try {
            boolean ended = process.waitFor(conditions.limit().toMillis(), TimeUnit.MILLISECONDS);
            return new Outcome(ended ? process.exitValue() : Outcome.TIMED_OUT, read(output, before));
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private List<String> line(Conditions conditions, List<String> arguments) throws IOException {
        List<String> line = new ArrayList<>();
        if (conditions.aside() && hasScopes()) {
            line.addAll(SCOPE);
        }
        if (!conditions.shown().isEmpty()) {
            if (!canShow()) {
                throw new IOException("Expected mount namespaces, to show a program something else than the host has,"
                        + " but this kernel or user does not have them");
            }
            line.addAll(List.of("unshare", "--mount", "sh", "-c", SHOWING, "sh"));
            for (Shown shown : conditions.shown()) {
                line.addAll(List.of(shown.what().toString(), shown.inPlaceOf().toString()));
            }
            line.add("--");
        }
        line.addAll(guards);
        if (!root.isRunningSystem()) {
            line.addAll(
                    guards.contains("unshare")
                            ? List.of("--root=" + root.directory(), "--wd=/")
                            : List.of("chroot", root.directory().toString()));
        }
        if (conditions.aside()) {
            root.program("ionice").ifPresent(ionice -> line.addAll(List.of("ionice", "-c", "3")));
            root.program("nice").ifPresent(nice -> line.addAll(List.of("nice", "-n", "10")));
        }
        line.addAll(arguments);
        return line;
    }

    /** Asked once: a system may have systemd and no bus to reach it by. */
    private boolean hasScopes() {
        if (scopes == null) {
            List<String> probe = new ArrayList<>(SCOPE);
            probe.add("true");
            scopes = root.isRunningSystem()
                    && Files.isDirectory(Path.of("/run/systemd/system"))
                    && root.program("systemd-run").isPresent()
                    && succeeds(probe);
        }
        return scopes;
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
        return succeeds(line);
    }

    private static boolean succeeds(List<String> line) {
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
