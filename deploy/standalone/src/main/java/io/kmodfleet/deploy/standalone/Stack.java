package io.kmodfleet.deploy.standalone;

import io.kmodfleet.deploy.standalone.RunFile.Entry;
import io.kmodfleet.deploy.standalone.StackOptions.Database;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/**
 * The whole of Kmodfleet on one machine. Started in order, ended in the reverse of it; a part can be killed and started again
 * meanwhile, which is how tests prove that nothing depends on one life.
 */
public final class Stack implements AutoCloseable {

    public static final String KAFKA = "kafka";
    public static final String POSTGRES = "postgres";
    public static final String COORDINATOR = "coordinator";
    public static final String STORE = "store";
    public static final String AGENT = "agent";

    /** Of the layout of the data directory. */
    private static final String VERSION = "1";

    private static final long ROOM = 500L * 1024 * 1024;
    private static final Duration LEFTOVER = Duration.ofSeconds(20);
    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

    private final StackOptions options;
    private final Progress progress;
    private final List<Part> parts = new ArrayList<>();
    private Optional<EmbeddedDatabase> database = Optional.empty();

    private Stack(StackOptions options, Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /** Returns when everything is healthy and a policy is published; throws {@link Trouble} and ends what it started otherwise. */
    public static Stack start(StackOptions options, Progress progress) throws IOException, InterruptedException {
        Stack stack = new Stack(options, progress);
        stack.checkRoom();
        stack.checkNobodyRuns();
        stack.checkPorts();
        try {
            stack.startAll();
            return stack;
        } catch (IOException | InterruptedException | RuntimeException e) {
            stack.close();
            throw e;
        }
    }

    public URI coordinatorUrl() {
        return URI.create("http://127.0.0.1:" + options.ports().coordinator());
    }

    public URI storeUrl() {
        return URI.create("http://127.0.0.1:" + options.ports().store());
    }

    /** Where the store keeps its files. */
    public Path storeDirectory() {
        return options.data().resolve("store");
    }

    /** Resident memory of one part in bytes (PSS); 0 where it is gone. */
    public long memoryOf(String part) {
        return Processes.memory(pids().get(part)).orElse(0);
    }

    public String kafka() {
        return options.kafka().orElse("127.0.0.1:" + options.ports().kafka());
    }

    /** {@code kill -9} of one part. */
    public void kill(String name) {
        part(name).kill();
    }

    /** Ends one part as its administrator would. */
    public void end(String name) {
        part(name).end();
    }

    /** Starts a part that was ended or killed, and waits until it is healthy. */
    public void startAgain(String name) throws IOException, InterruptedException {
        part(name).start();
        part(name).awaitReady();
        writeRunFile(true);
    }

    /** A coordinator beside the first. @param name among the parts */
    public record Second(String name, URI url) {}

    /** Another coordinator of the same ledger, which stands by; returns when it is healthy. */
    public Second startSecondCoordinator() throws IOException, InterruptedException {
        String name = COORDINATOR + "-2";
        int port = Ports.free().coordinator();
        URI url = URI.create("http://127.0.0.1:" + port);
        launch(new Part(
                name,
                jar("build-coordinator", "-Xmx" + options.coordinatorHeap() + "m"),
                coordinator(port),
                log(name),
                () -> answersOk(url.resolve("/q/health/ready"))));
        return new Second(name, url);
    }

    /** Of the coordinator's database, for JDBC. */
    public String databaseUrl() {
        return service("coordinator", options.ports().coordinator()).get("QUARKUS_DATASOURCE_JDBC_URL");
    }

    /** Process numbers by part. */
    public Map<String, Long> pids() {
        Map<String, Long> pids = new java.util.LinkedHashMap<>();
        database.flatMap(EmbeddedDatabase::pid).ifPresent(pid -> pids.put(POSTGRES, pid));
        parts.forEach(part -> pids.put(part.name(), part.process().pid()));
        return pids;
    }

    /** Waits until a part has ended by itself; names it. */
    String awaitAnyEnd() throws InterruptedException {
        while (true) {
            for (Part part : parts) {
                if (part.process().waitFor(200, TimeUnit.MILLISECONDS)) {
                    return part.name();
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (int i = parts.size() - 1; i >= 0; i--) {
            progress.say("ending " + parts.get(i).name());
            parts.get(i).end();
        }
        if (database.isPresent()) {
            progress.say("ending " + POSTGRES);
            database.get().close();
        }
        RunFile.delete(options.data());
    }

    private void startAll() throws IOException, InterruptedException {
        Path data = options.data();
        writeRunFile(false);
        if (options.database().isEmpty()) {
            Instant begin = Instant.now();
            database = Optional.of(EmbeddedDatabase.start(
                    data.resolve(POSTGRES), options.ports().postgres()));
            ready(POSTGRES, begin);
        } else {
            checkReachable("PostgreSQL", options.database().get().host());
        }
        if (options.kafka().isEmpty()) {
            launch(kafkaPart());
        } else {
            checkReachable("Kafka", options.kafka().get().split(",")[0]);
        }
        // Both at once: neither waits for the other.
        Instant begin = Instant.now();
        Part coordinator = begun(coordinatorPart());
        Part store = begun(storePart());
        coordinator.awaitReady();
        ready(COORDINATOR, begin);
        store.awaitReady();
        ready(STORE, begin);
        publishFirstPolicy();
        if (options.agent()) {
            launch(agentPart());
        }
        writeRunFile(true);
    }

    private void launch(Part part) throws IOException, InterruptedException {
        Instant begin = Instant.now();
        begun(part).awaitReady();
        ready(part.name(), begin);
    }

    private Part begun(Part part) throws IOException {
        parts.add(part);
        progress.say("starting " + part.name());
        part.start();
        writeRunFile(false);
        return part;
    }

    private void ready(String name, Instant begin) {
        progress.say("✔ " + name + " is healthy ("
                + Duration.between(begin, Instant.now()).toMillis() + " ms)");
    }

    private Part part(String name) {
        return parts.stream()
                .filter(part -> part.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("Expected a part of this stack, but got '" + name + "'"));
    }

    private Part kafkaPart() {
        List<String> command = java("-Xmx320m", "-Xms64m", "-XX:+UseSerialGC");
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                Standalone.class.getName(),
                "kafka",
                options.data().resolve(KAFKA).toString(),
                Integer.toString(options.ports().kafka()),
                Integer.toString(options.ports().kafkaController())));
        return new Part(KAFKA, command, Map.of(), log(KAFKA), this::kafkaAnswers);
    }

    private Part coordinatorPart() {
        return new Part(
                COORDINATOR,
                jar("build-coordinator", "-Xmx" + options.coordinatorHeap() + "m"),
                coordinator(options.ports().coordinator()),
                log(COORDINATOR),
                () -> answersOk(coordinatorUrl().resolve("/q/health/ready")));
    }

    private Part storePart() {
        Map<String, String> environment = service("store", options.ports().store());
        environment.put("KMODFLEET_STORE_DIRECTORY", storeDirectory().toString());
        environment.put("KMODFLEET_STORE_COORDINATOR", coordinatorUrl().toString());
        // Everybody on this machine has one address.
        environment.put("KMODFLEET_STORE_LIMITS_REQUESTS", "0");
        environment.put("KMODFLEET_STORE_LIMITS_UPLOADS", "0");
        return new Part(
                STORE,
                jar("artifact-store", "-Xmx256m"),
                environment,
                log(STORE),
                () -> answersOk(storeUrl().resolve("/q/health/ready")));
    }

    private Part agentPart() {
        List<String> command = jar("agent-edge", "-Xmx48m", "-XX:TieredStopAtLevel=1");
        command.addAll(List.of(
                "run", "--observe", "--state", options.data().resolve(AGENT).toString()));
        Map<String, String> environment =
                Map.of("KMODFLEET_KAFKA", kafka(), "KMODFLEET_STORE", storeUrl().toString());
        return new Part(AGENT, command, environment, log(AGENT), () -> true);
    }

    private Map<String, String> coordinator(int port) {
        Map<String, String> environment = service("coordinator", port);
        environment.put("KMODFLEET_COORDINATOR_STORE", storeUrl().toString());
        return environment;
    }

    private Map<String, String> service(String databaseName, int port) {
        Database at = options.database()
                .orElse(new Database("127.0.0.1:" + options.ports().postgres(), EmbeddedDatabase.USER, ""));
        String url = "postgresql://" + at.host() + "/" + databaseName;
        Map<String, String> environment = new HashMap<>(options.settings());
        environment.put("KAFKA_BOOTSTRAP_SERVERS", kafka());
        environment.put("QUARKUS_DATASOURCE_REACTIVE_URL", url);
        environment.put("QUARKUS_DATASOURCE_JDBC_URL", "jdbc:" + url);
        environment.put("QUARKUS_DATASOURCE_USERNAME", at.user());
        environment.put("QUARKUS_DATASOURCE_PASSWORD", at.password().isEmpty() ? "none" : at.password());
        environment.put("QUARKUS_HTTP_HOST", "127.0.0.1");
        environment.put("QUARKUS_HTTP_PORT", Integer.toString(port));
        return environment;
    }

    private List<String> jar(String module, String... flags) {
        List<String> command = java(flags);
        command.add("-XX:+UseSerialGC");
        command.add("-jar");
        command.add(options.home()
                .resolve(module + "/target/quarkus-app/quarkus-run.jar")
                .toString());
        return command;
    }

    private static List<String> java(String... flags) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        return command;
    }

    private Path log(String name) {
        return options.data().resolve("log").resolve(name + ".log");
    }

    private boolean kafkaAnswers() throws Exception {
        if (Ports.isFree(options.ports().kafka())) {
            return false;
        }
        Map<String, Object> settings = Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                kafka(),
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                2_000,
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                2_000);
        try (Admin admin = Admin.create(settings)) {
            return !admin.describeCluster().nodes().get().isEmpty();
        }
    }

    private static boolean answersOk(URI uri) throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(2)).build();
        return HTTP.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    }

    private void publishFirstPolicy() throws IOException, InterruptedException {
        URI policy = coordinatorUrl().resolve("/api/v1/policy");
        HttpResponse<String> current =
                HTTP.send(HttpRequest.newBuilder(policy).build(), HttpResponse.BodyHandlers.ofString());
        if (current.statusCode() != 404) {
            return;
        }
        HttpRequest publish = HttpRequest.newBuilder(policy)
                .header("Content-Type", "application/yaml")
                .header("Kmodfleet-Author", "standalone")
                .timeout(Duration.ofSeconds(30))
                .PUT(HttpRequest.BodyPublishers.ofFile(options.home().resolve("deploy/policy/default.yaml")))
                .build();
        HttpResponse<String> answer = HTTP.send(publish, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new Trouble("Expected the coordinator to take the default policy, but it said: " + answer.body());
        }
        progress.say("✔ default policy is published (deploy/policy/default.yaml)");
    }

    private void checkRoom() throws IOException {
        Path data = options.data();
        try {
            Files.createDirectories(data);
        } catch (IOException e) {
            throw new Trouble("Expected to create the data directory " + data + ", but " + e.getMessage()
                    + ". Choose another with --data DIR.");
        }
        if (!Files.isWritable(data)) {
            throw new Trouble("Expected to write to the data directory " + data + ", but that is not permitted. "
                    + "Choose another with --data DIR.");
        }
        Path version = data.resolve("VERSION");
        String found = Files.exists(version) ? Files.readString(version).strip() : VERSION;
        if (!found.equals(VERSION)) {
            throw new Trouble("Expected a data directory of version " + VERSION + ", but " + data + " is of version '"
                    + found + "'. Choose another with --data DIR, or start the release that made it.");
        }
        long room = Files.getFileStore(data).getUsableSpace();
        if (room < ROOM) {
            throw new Trouble("Expected " + ROOM / 1_000_000 + " MB of free disk for " + data + ", but there are "
                    + room / 1_000_000 + " MB. Free some, or choose another place with --data DIR.");
        }
        Files.writeString(version, VERSION + "\n");
    }

    private void checkNobodyRuns() throws IOException {
        Optional<RunFile> run = RunFile.read(options.data());
        if (run.isEmpty()) {
            return;
        }
        if (run.get().launcher().process().isPresent()) {
            throw new Trouble("Expected nobody to use the data directory " + options.data() + ", but process "
                    + run.get().launcher().pid()
                    + " runs a stack on it. End it with deploy/down, or choose another with --data DIR.");
        }
        endLeftovers(run.get(), progress);
    }

    /** Ends the parts of a launcher that died without ending them. */
    static void endLeftovers(RunFile run, Progress progress) {
        for (int i = run.parts().size() - 1; i >= 0; i--) {
            Entry part = run.parts().get(i);
            part.process().ifPresent(process -> {
                progress.say("ending " + part.name() + ", left over from a start that was killed");
                Processes.end(process, LEFTOVER);
            });
        }
    }

    private void checkPorts() {
        checkPort(options.ports().coordinator(), COORDINATOR);
        checkPort(options.ports().store(), STORE);
        if (options.kafka().isEmpty()) {
            checkPort(options.ports().kafka(), KAFKA);
            checkPort(options.ports().kafkaController(), KAFKA + "'s controller");
        }
        if (options.database().isEmpty()) {
            checkPort(options.ports().postgres(), POSTGRES);
        }
    }

    private static void checkPort(int port, String name) {
        if (!Ports.isFree(port)) {
            throw new Trouble("Expected port " + port + " to be free for " + name
                    + ", but something listens on it. Choose other ports with --port P (P to P+4 are used).");
        }
    }

    private static void checkReachable(String what, String hostAndPort) {
        int colon = hostAndPort.lastIndexOf(':');
        try (Socket socket = new Socket()) {
            socket.connect(
                    new InetSocketAddress(
                            hostAndPort.substring(0, colon), Integer.parseInt(hostAndPort.substring(colon + 1))),
                    3_000);
        } catch (IOException | RuntimeException e) {
            throw new Trouble("Expected " + what + " at " + hostAndPort + " (host:port), but " + e.getMessage() + ".");
        }
    }

    private void writeRunFile(boolean healthy) throws IOException {
        List<Entry> entries = new ArrayList<>();
        database.flatMap(EmbeddedDatabase::pid)
                .flatMap(ProcessHandle::of)
                .ifPresent(process -> entries.add(Entry.of(POSTGRES, process)));
        for (Part part : parts) {
            if (part.process() != null) {
                entries.add(Entry.of(part.name(), part.process().toHandle()));
            }
        }
        new RunFile(
                        Entry.of("launcher", ProcessHandle.current()),
                        options.ports().coordinator(),
                        healthy,
                        entries)
                .write(options.data());
    }
}
