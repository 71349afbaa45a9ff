package io.kmodfleet.deploy.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.deploy.standalone.Stack;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A stack and some hosts, and the commands that people type at them. */
public final class Rehearsal implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(100);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Path home;
    private final Stack stack;
    private final Path workplace;
    private final List<Process> agents = new ArrayList<>();

    public Rehearsal(Path home, Stack stack, Path workplace) {
        this.home = home;
        this.stack = stack;
        this.workplace = workplace;
    }

    /** What a command printed and how it ended. */
    public record Outcome(int exitCode, String output) {

        public JsonNode json() throws IOException {
            if (exitCode != 0) {
                throw new IOException("Expected exit code 0, but got " + exitCode + ": " + output);
            }
            return FleetJson.mapper().readTree(output);
        }
    }

    /** Where hosts, logs and data of this one lie. */
    public Path workplace() {
        return workplace;
    }

    /** {@code deploy/kmodfleet …} */
    public Outcome kmodfleet(String... arguments) throws IOException, InterruptedException {
        return run("kmodfleet", arguments);
    }

    /** {@code deploy/kmodfleet-agent install --root …}: one visit, to its end. */
    public Outcome install(Path root, String... more) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("install", "--root", root.toString()));
        arguments.addAll(List.of(more));
        return run("kmodfleet-agent", arguments.toArray(String[]::new));
    }

    /** The same where somebody sits at a terminal, which script(1) makes, and types a line. */
    public Outcome installAtTerminal(Path root, String typed) throws IOException, InterruptedException {
        ProcessBuilder builder = builder("kmodfleet-agent", "install", "--root", root.toString());
        String command = String.join(" ", builder.command());
        Process process = builder.command("script", "-qec", command, "/dev/null")
                .redirectErrorStream(true)
                .start();
        try (OutputStream keyboard = process.getOutputStream()) {
            keyboard.write((typed + "\n").getBytes(StandardCharsets.UTF_8));
        }
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), text);
    }

    /** {@code deploy/kmodfleet-agent run --root …}, in the background. */
    public Process startAgent(Path root) throws IOException {
        Process agent = builder(
                        "kmodfleet-agent", "run", "--root", root.toString(), "--enable-dkms", "--look-every", "5")
                .redirectErrorStream(true)
                .redirectOutput(workplace.resolve(root.getFileName() + ".log").toFile())
                .start();
        agents.add(agent);
        return agent;
    }

    /** Publishes the source and a policy that wants it on Debian 12, with proof by installation: a root cannot load. */
    public void wantModule(HostRoots roots) throws IOException, InterruptedException {
        publishPolicy(roots, publishSource(roots));
    }

    /** Its digest. */
    public String publishSource(HostRoots roots) throws IOException, InterruptedException {
        return kmodfleet("source", "publish", roots.source().toString(), "-o", "json")
                .json()
                .path("digest")
                .asText();
    }

    public void publishPolicy(HostRoots roots, String source) throws IOException, InterruptedException {
        Path file = workplace.resolve("policy.yaml");
        Files.writeString(file, policy(home, roots, source));
        kmodfleet("policy", "set", file.toString(), "-o", "json").json();
    }

    /** The default policy with this module, and with the system of the host roots. */
    static String policy(Path home, HostRoots roots, String source) throws IOException {
        String modules = """
                modules:
                  - name: %s
                    version: "%s"
                    source: %s
                    binding: SYMBOL_CRC
                    proof: INSTALL
                """.formatted(roots.module(), roots.moduleVersion(), source);
        return Files.readString(home.resolve("deploy/policy/default.yaml"))
                .replace("modules: []\n", modules)
                .replace("systems:\n", "systems:\n  - {id: debian, version: \"12\", since: \"6.10\"}\n");
    }

    public JsonNode hosts() throws IOException, InterruptedException {
        return items(stack.coordinatorUrl().resolve("/api/v1/hosts?limit=1000"));
    }

    public JsonNode decisions() throws IOException, InterruptedException {
        return items(stack.coordinatorUrl().resolve("/api/v1/decisions?limit=1000"));
    }

    public JsonNode packages() throws IOException, InterruptedException {
        return items(stack.storeUrl().resolve("/api/v1/packages?limit=1000"));
    }

    /** The one answer that stands for a host, as {@code keep UP_TO_DATE}; empty before it has one. */
    public Optional<String> answer(String hostname) throws IOException, InterruptedException {
        for (JsonNode host : hosts()) {
            if (host.path("hostname").asText().equals(hostname)
                    && host.path("decisions").size() > 0) {
                JsonNode told = host.path("decisions").get(0);
                return Optional.of(told.path("decision").asText() + " "
                        + told.path("reason").asText());
            }
        }
        return Optional.empty();
    }

    /** Waits until the answer of a host is one of that kind. */
    public String awaitAnswer(String hostname, Predicate<String> wanted) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(PATIENCE);
        Optional<String> answer = Optional.empty();
        while (Instant.now().isBefore(end)) {
            answer = answer(hostname);
            if (answer.filter(wanted).isPresent()) {
                return answer.get();
            }
        }
        throw new IOException("Expected another answer for " + hostname + " within " + PATIENCE.toSeconds()
                + " s, but it is " + answer.orElse("not there") + "\n" + logs());
    }

    /** Waits until something is so. */
    public void await(String what, Condition condition) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(PATIENCE);
        while (!condition.isSo()) {
            if (Instant.now().isAfter(end)) {
                throw new IOException(
                        "Expected " + what + " within " + PATIENCE.toSeconds() + " s, but it is not so\n" + logs());
            }
        }
    }

    /** Looked at again and again. */
    public interface Condition {
        boolean isSo() throws IOException, InterruptedException;
    }

    /** The module file below {@code updates/} of a root, where there is one. */
    public static Optional<Path> moduleFile(Path root, String kernel) throws IOException {
        Path updates = root.resolve("usr/lib/modules/" + kernel + "/updates");
        if (!Files.isDirectory(updates)) {
            return Optional.empty();
        }
        try (var files = Files.walk(updates)) {
            return files.filter(file -> file.getFileName().toString().contains(".ko"))
                    .filter(file -> !file.getFileName().toString().startsWith("."))
                    .findFirst();
        }
    }

    @Override
    public void close() {
        agents.forEach(Process::destroy);
        for (Process agent : agents) {
            try {
                if (!agent.waitFor(15, TimeUnit.SECONDS)) {
                    agent.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                agent.destroyForcibly();
            }
        }
    }

    /** Straight from the API: it is asked too often for a command line. */
    private static JsonNode items(URI list) throws IOException, InterruptedException {
        Thread.sleep(LOOK_AGAIN.toMillis());
        HttpRequest request =
                HttpRequest.newBuilder(list).timeout(Duration.ofSeconds(10)).build();
        HttpResponse<byte[]> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new IOException("Expected " + list + " to answer, but got HTTP " + answer.statusCode());
        }
        return FleetJson.mapper().readTree(answer.body()).path("items");
    }

    private Outcome run(String script, String... arguments) throws IOException, InterruptedException {
        Path output = Files.createTempFile(workplace, script, ".out");
        ProcessBuilder builder = builder(script, arguments).redirectOutput(output.toFile());
        boolean json = List.of(arguments).contains("json");
        Process process = (json
                        ? builder.redirectError(workplace.resolve("errors").toFile())
                        : builder.redirectErrorStream(true))
                .start();
        int exitCode = process.waitFor();
        String text = Files.readString(output, StandardCharsets.UTF_8);
        Files.delete(output);
        return new Outcome(exitCode, text);
    }

    private ProcessBuilder builder(String script, String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(home.resolve("deploy/" + script).toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment()
                .put("KMODFLEET_COORDINATOR", stack.coordinatorUrl().toString());
        builder.environment().put("KMODFLEET_STORE", stack.storeUrl().toString());
        builder.environment().put("KMODFLEET_KAFKA", stack.kafka());
        return builder;
    }

    private String logs() throws IOException {
        StringBuilder logs = new StringBuilder();
        try (var files = Files.newDirectoryStream(workplace, "*.log")) {
            for (Path file : files) {
                logs.append("== ").append(file.getFileName()).append('\n').append(Files.readString(file));
            }
        }
        return logs.toString();
    }
}
