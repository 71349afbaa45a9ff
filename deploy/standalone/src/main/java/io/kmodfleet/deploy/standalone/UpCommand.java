package io.kmodfleet.deploy.standalone;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Starts everything and stays until it is told to end. */
@Command(name = "up", description = "Start everything on this machine; Ctrl-C ends it in order, the data stays.")
final class UpCommand implements Callable<Integer> {

    private static final Duration END = Duration.ofSeconds(90);

    @ParentCommand
    private Standalone parent;

    @Option(
            names = "--port",
            paramLabel = "P",
            defaultValue = "7070",
            description =
                    "First of five ports: page and API P, store P+1, Kafka P+2 and P+3, PostgreSQL P+4 (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--detach", description = "Return when everything is healthy; end it with deploy/down.")
    private boolean detach;

    @Option(names = "--kafka", paramLabel = "HOST:PORT", description = "Use this broker instead of an embedded one.")
    private Optional<String> kafka;

    @Option(
            names = "--database",
            paramLabel = "HOST:PORT",
            description =
                    "Use this PostgreSQL, with the databases 'coordinator' and 'store', instead of an embedded one.")
    private Optional<String> database;

    @Option(
            names = "--database-user",
            paramLabel = "NAME",
            defaultValue = "postgres",
            description = "Default: ${DEFAULT-VALUE}.")
    private String databaseUser;

    @Option(
            names = "--database-password-file",
            paramLabel = "FILE",
            description = "File whose first line is the password (never an argument, where anybody could read it).")
    private Optional<Path> databasePassword;

    @Option(
            names = "--coordinator-heap",
            paramLabel = "MiB",
            defaultValue = "" + StackOptions.COORDINATOR_HEAP,
            description =
                    "Most memory of the coordinator's heap; about 2 KiB for each host (default: ${DEFAULT-VALUE}).")
    private int coordinatorHeap;

    @Option(names = "--no-agent", description = "Do not start the agent that looks at this machine.")
    private boolean noAgent;

    @Override
    public Integer call() throws Exception {
        return detach ? startInBackground() : runHere();
    }

    private int runHere() throws IOException, InterruptedException {
        Thread main = Thread.currentThread();
        Instant begin = Instant.now();
        Stack[] running = new Stack[1];
        boolean[] ending = new boolean[1];
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            ending[0] = true;
                            main.interrupt();
                            await(ended);
                        },
                        "end"));
        try {
            running[0] = Stack.start(options(), UpCommand::say);
            explain(running[0], Duration.between(begin, Instant.now()));
            String gone = running[0].awaitAnyEnd();
            throw new Trouble("Expected every part to go on running, but " + gone + " ended. See "
                    + parent.data().resolve("log").resolve(gone + ".log") + ".");
        } catch (InterruptedException e) {
            if (!ending[0]) {
                throw e;
            }
            return 0;
        } finally {
            Thread.interrupted();
            if (running[0] != null) {
                running[0].close();
                say("everything has ended; the data stays in " + parent.data());
            }
            ended.countDown();
        }
    }

    /** The JVM ends when its shutdown hooks have ended: this one waits for the orderly end, not for a thread that exits. */
    private static void await(CountDownLatch ended) {
        try {
            ended.await(END.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private StackOptions options() throws IOException {
        String password = databasePassword.isPresent()
                ? Files.readAllLines(databasePassword.get()).get(0)
                : "";
        return new StackOptions(
                        Standalone.home(),
                        parent.data(),
                        new Ports(port),
                        kafka,
                        database.map(host -> new StackOptions.Database(host, databaseUser, password)),
                        !noAgent)
                .withCoordinatorHeap(coordinatorHeap);
    }

    private void explain(Stack stack, Duration took) {
        say("everything is healthy after " + took.toMillis() / 1000 + "." + took.toMillis() / 100 % 10 + " s");
        String environment = port == 7070
                ? ""
                : "\n         export KMODFLEET_COORDINATOR=" + stack.coordinatorUrl() + " KMODFLEET_STORE="
                        + stack.storeUrl();
        System.out.println(
                """

                  Open:  %s/
                  Type:%s
                         deploy/kmodfleet hosts                  what the agent on this machine found
                         deploy/kmodfleet source publish DIR     a module source (a directory with dkms.conf)
                         deploy/kmodfleet policy get             what is wanted and supported; 'policy set FILE' changes it
                         deploy/kmodfleet --help
                  Logs:  %s
                """.formatted(stack.coordinatorUrl(), environment, parent.data().resolve("log")));
        if (System.console() != null) {
            System.out.println("  Ctrl-C ends everything in order.\n");
        }
    }

    private int startInBackground() throws IOException, InterruptedException {
        Path data = parent.data();
        Path log = data.resolve("log").resolve("stack.log");
        Files.createDirectories(log.getParent());
        List<String> command = new ArrayList<>(List.of(
                "/usr/bin/setsid",
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-Dkmodfleet.home=" + Standalone.home(),
                "-cp",
                System.getProperty("java.class.path"),
                Standalone.class.getName(),
                "up",
                "--data",
                data.toString(),
                "--port",
                Integer.toString(port),
                "--coordinator-heap",
                Integer.toString(coordinatorHeap),
                "--database-user",
                databaseUser));
        kafka.ifPresent(at -> command.addAll(List.of("--kafka", at)));
        database.ifPresent(at -> command.addAll(List.of("--database", at)));
        databasePassword.ifPresent(file -> command.addAll(List.of("--database-password-file", file.toString())));
        if (noAgent) {
            command.add("--no-agent");
        }
        Process launcher = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(log.toFile())
                .start();
        long shown = 0;
        while (true) {
            boolean ended = launcher.waitFor(100, TimeUnit.MILLISECONDS);
            shown = show(log, shown);
            boolean healthy = RunFile.read(data)
                    .filter(run -> run.healthy() && run.launcher().pid() == launcher.pid())
                    .isPresent();
            if (ended) {
                return launcher.exitValue() == 0 ? 1 : launcher.exitValue();
            }
            if (healthy) {
                Thread.sleep(200);
                show(log, shown);
                System.out.println("  deploy/down ends it.\n");
                return 0;
            }
        }
    }

    private static long show(Path log, long from) throws IOException {
        byte[] all = Files.readAllBytes(log);
        System.out.write(all, (int) from, (int) (all.length - from));
        System.out.flush();
        return all.length;
    }

    private static void say(String line) {
        System.out.println("[INFO] " + line);
    }
}
