package io.kmodfleet.deploy.demo;

import io.kmodfleet.deploy.bench.DecisionsBench;
import io.kmodfleet.deploy.bench.HeapBench;
import io.kmodfleet.deploy.bench.InspectBench;
import io.kmodfleet.deploy.bench.LatencyBench;
import io.kmodfleet.deploy.bench.PageBench;
import io.kmodfleet.deploy.bench.ReplayBench;
import io.kmodfleet.deploy.bench.RestartBench;
import io.kmodfleet.deploy.bench.StoreBench;
import io.kmodfleet.deploy.bench.TakeoverBench;
import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures what a newcomer pays, and what reuse saves. Prints medians; the ratios are of one run. */
@Command(
        name = "bench",
        subcommands = {
            AgentBench.class,
            DecisionsBench.class,
            LatencyBench.class,
            HeapBench.class,
            ReplayBench.class,
            RestartBench.class,
            TakeoverBench.class,
            StoreBench.class,
            PageBench.class,
            InspectBench.class
        },
        description = "Measure: time to healthy, a dkms build against the reuse of its module, memory of each process.")
public final class BenchCommand implements Callable<Integer> {

    private static final int CANNOT = 3;
    private static final int REUSES = 3;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "3",
            description = "Rounds, each with a fresh stack (default: ${DEFAULT-VALUE}).")
    private int rounds;

    /** Wall and CPU seconds of a command with all its descendants. */
    private record Cost(double wall, double cpu) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Optional<String> missing = HostRoots.missing();
        if (missing.isPresent()) {
            System.err.println("[ERROR] " + missing.get());
            return CANNOT;
        }
        Path home = Path.of(System.getProperty("kmodfleet.home", "."))
                .toAbsolutePath()
                .normalize();
        HostRoots roots = HostRoots.make(home, System.out::println);
        List<Double> healthy = new ArrayList<>();
        List<Cost> builds = new ArrayList<>();
        List<Cost> reuses = new ArrayList<>();
        List<Cost> starts = new ArrayList<>();
        Map<String, List<Double>> memory = new LinkedHashMap<>();
        for (int round = 1; round <= rounds; round++) {
            System.out.println("[INFO] round " + round + " of " + rounds);
            Path workplace = roots.workplace();
            Instant begin = Instant.now();
            StackOptions embedded = StackOptions.embedded(home, workplace.resolve("data"));
            StackOptions options =
                    new StackOptions(home, embedded.data(), embedded.ports(), Optional.empty(), Optional.empty(), true);
            try (Stack stack = Stack.start(options, line -> {});
                    Rehearsal rehearsal = new Rehearsal(home, stack, workplace)) {
                healthy.add(Duration.between(begin, Instant.now()).toMillis() / 1000.0);
                rehearsal.wantModule(roots);
                builds.add(install(home, stack, roots.copy("a", workplace.resolve("host-a")), "--enable-dkms"));
                for (int i = 1; i <= REUSES; i++) {
                    Path root = roots.copy("b", workplace.resolve("host-b" + i));
                    reuses.add(install(home, stack, root));
                    starts.add(cost(home, stack, List.of("status", "--root", root.toString())));
                }
                for (Map.Entry<String, Long> process : stack.pids().entrySet()) {
                    memory.computeIfAbsent(process.getKey(), name -> new ArrayList<>())
                            .add(pss(process.getValue()) / 1e6);
                }
            } finally {
                HostRoots.delete(workplace);
            }
        }
        print(roots, healthy, builds, reuses, starts, memory);
        return 0;
    }

    private static Cost install(Path home, Stack stack, Path root, String... more)
            throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("install", "--root", root.toString()));
        arguments.addAll(List.of(more));
        return cost(home, stack, arguments);
    }

    private static Cost cost(Path home, Stack stack, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "bash",
                "-c",
                "TIMEFORMAT='%R %U %S'; time \"$@\" >/dev/null 2>&1",
                "bash",
                home.resolve("deploy/kmodfleet-agent").toString()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        builder.environment().put("KMODFLEET_STORE", stack.storeUrl().toString());
        builder.environment().put("KMODFLEET_KAFKA", stack.kafka());
        Process process = builder.start();
        String[] times =
                new String(process.getInputStream().readAllBytes()).strip().split(" ");
        if (process.waitFor() != 0) {
            throw new IOException("Expected " + String.join(" ", arguments) + " to succeed, but it ended with "
                    + process.exitValue());
        }
        return new Cost(Double.parseDouble(times[0]), Double.parseDouble(times[1]) + Double.parseDouble(times[2]));
    }

    private static double pss(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
                .filter(line -> line.startsWith("Pss:"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) * 1024)
                .sum();
    }

    private static void print(
            HostRoots roots,
            List<Double> healthy,
            List<Cost> builds,
            List<Cost> reuses,
            List<Cost> starts,
            Map<String, List<Double>> memory) {
        double buildWall = median(builds.stream().map(Cost::wall).toList());
        double buildCpu = median(builds.stream().map(Cost::cpu).toList());
        double reuseWall = median(reuses.stream().map(Cost::wall).toList());
        double reuseCpu = median(reuses.stream().map(Cost::cpu).toList());
        double startWall = median(starts.stream().map(Cost::wall).toList());
        double startCpu = median(starts.stream().map(Cost::cpu).toList());
        System.out.printf(
                Locale.ROOT, "%n%s %s on %s, medians%n", roots.module(), roots.moduleVersion(), roots.kernel());
        row("deploy/up to healthy", "%.1f s", median(healthy));
        row("build and install (install on a host like a)", "%.1f s wall, %.1f s CPU", buildWall, buildCpu);
        row("reuse and install (install on a host like b)", "%.1f s wall, %.1f s CPU", reuseWall, reuseCpu);
        row("of each, starting the command (status)", "%.1f s wall, %.1f s CPU", startWall, startCpu);
        row("build : reuse", "%.1f in wall time, %.1f in CPU time", buildWall / reuseWall, buildCpu / reuseCpu);
        memory.forEach((name, values) -> row("memory (PSS) of " + name, "%.0f MB", median(values)));
    }

    private static void row(String what, String form, Object... values) {
        System.out.printf(Locale.ROOT, "  %-46s %s%n", what, String.format(Locale.ROOT, form, values));
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
