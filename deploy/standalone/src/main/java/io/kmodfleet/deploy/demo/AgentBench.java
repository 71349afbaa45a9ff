package io.kmodfleet.deploy.demo;

import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What the packaged agent costs a host on which nothing happens, beside agents that everybody knows, in the same minutes. */
@Command(
        name = "agent",
        description = {
            "Measure: the packaged agent idle beside well-known agents (memory, CPU), and the cold start of 'status'.",
            "Those of prometheus-node-exporter, collectd-core and zabbix-agent that are installed take part; nobody asks them anything."
        })
public final class AgentBench implements Callable<Integer> {

    private static final int CANNOT = 3;
    private static final Duration SETTLE = Duration.ofSeconds(90);
    private static final int STARTS = 10;
    private static final double TICKS = 100;

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long everything is left alone (default: ${DEFAULT-VALUE}).")
    private int minutes;

    private record Idle(double rss, double pss, double anonymous, double cpuPercent) {}

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
        Path workplace = roots.workplace();
        List<Process> started = new ArrayList<>();
        StackOptions embedded = StackOptions.embedded(home, workplace.resolve("data"));
        StackOptions options =
                new StackOptions(home, embedded.data(), embedded.ports(), Optional.empty(), Optional.empty(), true);
        try (Stack stack = Stack.start(options, line -> {})) {
            Path root = roots.copy("b", workplace.resolve("host"));
            installPackage(home, workplace, root);
            Map<String, Process> agents = new LinkedHashMap<>();
            agents.put("kmodfleet-agent", start(workplace, "kmodfleet-agent", inRoot(stack, root, "run")));
            started.addAll(agents.values());
            others(workplace).forEach((name, line) -> {
                Process process = start(workplace, name, new ProcessBuilder(line));
                started.add(process);
                agents.put(name, process);
            });
            Map<String, Idle> idle = idle(agents);
            List<Double> starts = new ArrayList<>();
            for (int i = 0; i < STARTS; i++) {
                long begin = System.nanoTime();
                Process status = start(workplace, "status", inRoot(stack, root, "status"));
                if (status.waitFor() != 0) {
                    throw new IOException("Expected 'status' to succeed, but it ended with " + status.exitValue()
                            + "; see " + workplace);
                }
                starts.add((System.nanoTime() - begin) / 1e9);
            }
            print(idle, starts);
            return 0;
        } finally {
            for (Process process : started) {
                process.descendants().forEach(ProcessHandle::destroy);
                process.destroy();
                process.waitFor(20, TimeUnit.SECONDS);
            }
            HostRoots.delete(workplace);
        }
    }

    private void print(Map<String, Idle> idle, List<Double> starts) {
        System.out.printf(
                "%nIdle for %d minutes, all at once; MB (10^6 bytes), CPU in %% of one core%n  %-28s %8s %8s %11s %8s%n",
                minutes, "agent", "RSS", "PSS", "anonymous", "CPU");
        idle.forEach((name, cost) -> System.out.printf(
                Locale.ROOT,
                "  %-28s %8.1f %8.1f %11.1f %8.3f%n",
                name,
                cost.rss(),
                cost.pss(),
                cost.anonymous(),
                cost.cpuPercent()));
        Idle ours = idle.get("kmodfleet-agent");
        System.out.printf(
                Locale.ROOT,
                "  targets: 65 MB resident (%s), 0.1 %% of a core (%s)%n",
                ours.rss() <= 65 ? "met" : "NOT MET",
                ours.cpuPercent() <= 0.1 ? "met" : "NOT MET");
        List<Double> sorted = starts.stream().sorted().toList();
        System.out.printf(
                Locale.ROOT,
                "Cold start of 'kmodfleet-agent status', %d times: median %.2f s, fastest %.2f s, slowest %.2f s%n",
                STARTS,
                (sorted.get(STARTS / 2 - 1) + sorted.get(STARTS / 2)) / 2,
                sorted.get(0),
                sorted.get(STARTS - 1));
    }

    private Map<String, Idle> idle(Map<String, Process> agents) throws IOException, InterruptedException {
        System.out.println("[INFO] " + SETTLE.toSeconds() + " s for all of them to settle");
        Thread.sleep(SETTLE.toMillis());
        Map<String, Double> before = new LinkedHashMap<>();
        for (Map.Entry<String, Process> agent : agents.entrySet()) {
            if (!agent.getValue().isAlive()) {
                throw new IOException("Expected " + agent.getKey() + " to run, but it ended with "
                        + agent.getValue().exitValue());
            }
            before.put(agent.getKey(), cpuSeconds(agent.getValue()));
        }
        System.out.println("[INFO] " + minutes + " minutes of nothing");
        Thread.sleep(Duration.ofMinutes(minutes).toMillis());
        Map<String, Idle> idle = new LinkedHashMap<>();
        for (Map.Entry<String, Process> agent : agents.entrySet()) {
            double cpu = cpuSeconds(agent.getValue()) - before.get(agent.getKey());
            idle.put(
                    agent.getKey(),
                    new Idle(
                            megabytes(agent.getValue(), "Rss:"),
                            megabytes(agent.getValue(), "Pss:"),
                            megabytes(agent.getValue(), "Pss_Anon:"),
                            100 * cpu / (minutes * 60)));
        }
        return idle;
    }

    private static void installPackage(Path home, Path workplace, Path root) throws IOException, InterruptedException {
        System.out.println("[INFO] making the agent's package");
        Path packages = Files.createDirectories(workplace.resolve("packages"));
        await(
                workplace,
                new ProcessBuilder(
                        home.resolve("deploy/package").toString(), "--format", "deb", "--out", packages.toString()));
        try (var debs = Files.newDirectoryStream(packages, "*.deb")) {
            Files.copy(debs.iterator().next(), root.resolve("tmp/agent.deb"));
        }
        await(workplace, new ProcessBuilder("chroot", root.toString(), "dpkg", "-i", "/tmp/agent.deb"));
    }

    private static void await(Path workplace, ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = start(workplace, "setup", builder);
        if (process.waitFor() != 0) {
            throw new IOException("Expected " + String.join(" ", builder.command()) + " to succeed, but:\n"
                    + Files.readString(workplace.resolve("setup.log")));
        }
    }

    private static Process start(Path workplace, String name, ProcessBuilder builder) {
        try {
            return builder.redirectErrorStream(true)
                    .redirectOutput(workplace.resolve(name + ".log").toFile())
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .start();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Each program replaces the one before: the process that is started is the agent. */
    private static ProcessBuilder inRoot(Stack stack, Path root, String command) {
        ProcessBuilder builder = new ProcessBuilder(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" kmodfleet-agent \"$1\"",
                root.toString(),
                command);
        builder.environment().put("KMODFLEET_KAFKA", stack.kafka());
        builder.environment().put("KMODFLEET_STORE", stack.storeUrl().toString());
        return builder;
    }

    private static Map<String, List<String>> others(Path workplace) throws IOException {
        Path collectd = Files.writeString(
                workplace.resolve("collectd.conf"), """
                Interval 10
                PIDFile "%s"
                BaseDir "%s"
                LoadPlugin cpu
                LoadPlugin memory
                LoadPlugin load
                LoadPlugin df
                LoadPlugin disk
                LoadPlugin interface
                """.formatted(workplace.resolve("collectd.pid"), workplace));
        Path zabbix =
                Files.writeString(workplace.resolve("zabbix.conf"), """
                PidFile=%s
                LogType=console
                Server=127.0.0.1
                ListenIP=127.0.0.1
                ListenPort=17999
                AllowRoot=1
                """.formatted(workplace.resolve("zabbix.pid")));
        Map<String, List<String>> all = new LinkedHashMap<>();
        all.put(
                "prometheus-node-exporter",
                List.of("/usr/bin/prometheus-node-exporter", "--web.listen-address=127.0.0.1:0"));
        all.put("collectd", List.of("/usr/sbin/collectd", "-f", "-C", collectd.toString()));
        all.put("zabbix-agent", List.of("/usr/sbin/zabbix_agentd", "-f", "-c", zabbix.toString()));
        Map<String, List<String>> present = new LinkedHashMap<>();
        all.forEach((name, line) -> {
            if (Files.isExecutable(Path.of(line.get(0)))) {
                present.put(name, line);
            } else {
                System.out.println("[INFO] " + name + " is not installed and does not take part");
            }
        });
        return present;
    }

    private static Stream<Long> tree(Process process) {
        return Stream.concat(Stream.of(process.pid()), process.descendants().map(ProcessHandle::pid));
    }

    private static double megabytes(Process process, String field) throws IOException {
        double sum = 0;
        for (long pid : tree(process).toList()) {
            sum += Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
                    .filter(line -> line.startsWith(field))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) * 1024)
                    .sum();
        }
        return sum / 1e6;
    }

    /** With those of its children that have ended: proc(5), fields 14 to 17. */
    private static double cpuSeconds(Process process) throws IOException {
        double sum = 0;
        for (long pid : tree(process).toList()) {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            for (int field = 14; field <= 17; field++) {
                sum += Long.parseLong(fields[field - 3]) / TICKS;
            }
        }
        return sum;
    }
}
