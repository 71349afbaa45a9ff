package io.kmodfleet.agent.supply;

import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.supply.SupplyPlan.Step;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs the commands of a plan. Unlike everything else that the agent runs on a host, these need its network; they are the host's
 * own package manager, with packages from the host's own sources. No shell.
 */
public final class Supplier {

    /** With its own /proc, which the scripts of packages look at. */
    private static final List<String> INTO =
            List.of("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc");

    private final HostRoot root;
    private final Consumer<String> before;
    private final Consumer<String> output;

    /**
     * @param before told each command before it is run
     * @param output told each line that it prints
     */
    public Supplier(HostRoot root, Consumer<String> before, Consumer<String> output) {
        this.root = root;
        this.before = before;
        this.output = output;
    }

    /**
     * How it ended.
     *
     * @param failed the first command that failed, with what it said last; empty where all succeeded
     * @param restored files of package sources that were put back as they were
     */
    public record Result(Optional<String> failed, List<String> restored) {}

    public Result run(SupplyPlan plan) throws IOException, InterruptedException {
        PackageSources sources = PackageSources.of(root);
        Optional<String> failed = Optional.empty();
        for (Step step : plan.steps()) {
            if (failed.isEmpty() || step.always()) {
                before.accept(step.toString());
                Optional<String> error = run(step.line());
                failed = failed.isPresent() ? failed : error;
            }
        }
        return new Result(failed, sources.restore());
    }

    private Optional<String> run(List<String> arguments) throws IOException, InterruptedException {
        String name = arguments.get(0);
        if (root.program(name).isEmpty()) {
            return Optional.of("Expected " + name + " on this host, but it is not there");
        }
        List<String> line = new ArrayList<>();
        if (!root.isRunningSystem()) {
            line.addAll(INTO);
            line.add("--root=" + root.directory());
            line.add("--wd=/");
        }
        line.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile());
        Map<String, String> environment = builder.environment();
        Map<String, String> proxies = new java.util.TreeMap<>(environment);
        proxies.keySet().removeIf(key -> !key.toLowerCase(java.util.Locale.ROOT).endsWith("_proxy"));
        environment.clear();
        environment.putAll(proxies);
        environment.putAll(Map.of(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL",
                "C",
                "HOME",
                "/root",
                "DEBIAN_FRONTEND",
                "noninteractive"));
        Process process = builder.start();
        String last = "";
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String text = lines.readLine(); text != null; text = lines.readLine()) {
                output.accept(text);
                last = text.isBlank() ? last : text.strip();
            }
        }
        int code = process.waitFor();
        return code == 0
                ? Optional.empty()
                : Optional.of("Expected '" + String.join(" ", arguments) + "' to succeed, but it exited with " + code
                        + ": " + last);
    }
}
