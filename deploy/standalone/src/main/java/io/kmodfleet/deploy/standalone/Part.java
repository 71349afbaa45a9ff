package io.kmodfleet.deploy.standalone;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One child process of the stack: how it is started, when it is ready, how it is ended. */
final class Part {

    /** Whether it answers; asked again until it does. */
    interface Readiness {
        boolean isReady() throws Exception;
    }

    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration END = Duration.ofSeconds(15);
    private static final int LAST_LINES = 12;

    private final String name;
    private final List<String> command;
    private final Map<String, String> environment;
    private final Path log;
    private final Readiness readiness;
    private Process process;

    Part(String name, List<String> command, Map<String, String> environment, Path log, Readiness readiness) {
        this.name = name;
        this.command = command;
        this.environment = environment;
        this.log = log;
        this.readiness = readiness;
    }

    String name() {
        return name;
    }

    Process process() {
        return process;
    }

    void start() throws IOException {
        Files.createDirectories(log.getParent());
        if (Files.exists(log)) {
            Files.move(log, log.resolveSibling(name + ".log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        // In a session of its own: Ctrl-C reaches the launcher only, which ends the parts in order.
        List<String> line = new ArrayList<>();
        if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
            line.add("/usr/bin/setsid");
        }
        line.addAll(command);
        ProcessBuilder builder =
                new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().putAll(environment);
        process = builder.start();
    }

    void awaitReady() throws InterruptedException {
        Instant end = Instant.now().plus(START);
        while (Instant.now().isBefore(end)) {
            if (!process.isAlive()) {
                throw new Trouble("Expected " + name + " to start, but it ended with exit code " + process.exitValue()
                        + ". The last lines of " + log + ":\n" + lastLines());
            }
            if (isReady()) {
                return;
            }
            Thread.sleep(100);
        }
        throw new Trouble("Expected " + name + " to be ready within " + START.toSeconds() + " s, but it is not. See "
                + log + ":\n" + lastLines());
    }

    boolean isReady() {
        try {
            return process != null && process.isAlive() && readiness.isReady();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (Exception e) {
            return false;
        }
    }

    void end() {
        if (process != null && process.isAlive()) {
            Processes.end(process.toHandle(), END);
        }
    }

    /** {@code kill -9}. */
    void kill() {
        process.destroyForcibly();
        Processes.awaitEnd(process.toHandle(), END);
    }

    private String lastLines() {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
        } catch (IOException e) {
            return "(no log)";
        }
    }
}
