package io.kmodfleet.deploy.standalone;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Which parts run, how they are, and what they take. */
@Command(name = "status", description = "Show the parts of the stack, their health and their memory.")
final class StatusCommand implements Callable<Integer> {

    @ParentCommand
    private Standalone parent;

    @Override
    public Integer call() {
        Optional<RunFile> run = RunFile.read(parent.data());
        if (run.isEmpty()) {
            System.out.println("[INFO] nothing runs on " + parent.data());
            return 3;
        }
        System.out.printf("%-12s %8s  %-10s %10s  %s%n", "PART", "PID", "STATE", "MEMORY", "UP");
        boolean degraded = false;
        for (RunFile.Entry part : run.get().parts()) {
            String state = stateOf(part, run.get().port());
            degraded |= !state.equals("healthy") && !state.equals("running");
            System.out.printf(
                    "%-12s %8d  %-10s %10s  %s%n", part.name(), part.pid(), state, memoryOf(part), uptimeOf(part));
        }
        boolean launcherGone = run.get().launcher().process().isEmpty();
        if (launcherGone) {
            System.out.println("[ERROR] Expected the launcher (process "
                    + run.get().launcher().pid() + ") to run, but it is gone. Run deploy/down, then deploy/up.");
        }
        return degraded || launcherGone ? 4 : 0;
    }

    private static String stateOf(RunFile.Entry part, int port) {
        if (part.process().isEmpty()) {
            return "gone";
        }
        return switch (part.name()) {
            case Stack.COORDINATOR -> healthAt(port);
            case Stack.STORE -> healthAt(port + 1);
            default -> "running";
        };
    }

    private static String healthAt(int port) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/ready"))
                    .timeout(Duration.ofSeconds(3))
                    .build();
            int status = HttpClient.newHttpClient()
                    .send(request, HttpResponse.BodyHandlers.discarding())
                    .statusCode();
            return status == 200 ? "healthy" : "not ready";
        } catch (java.io.IOException e) {
            return "no answer";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }

    private static String memoryOf(RunFile.Entry part) {
        OptionalLong bytes = part.process().isPresent() ? Processes.memory(part.pid()) : OptionalLong.empty();
        return bytes.isPresent() ? bytes.getAsLong() / 1_000_000 + " MB" : "–";
    }

    private static String uptimeOf(RunFile.Entry part) {
        if (part.process().isEmpty() || part.startedAt().isEmpty()) {
            return "–";
        }
        Duration up = Duration.between(part.startedAt().get(), Instant.now());
        return up.toHours() > 0
                ? up.toHours() + " h " + up.toMinutesPart() + " min"
                : up.toMinutes() + " min " + up.toSecondsPart() + " s";
    }
}
