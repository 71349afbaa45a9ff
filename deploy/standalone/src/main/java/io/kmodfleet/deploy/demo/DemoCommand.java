package io.kmodfleet.deploy.demo;

import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Plays the main job and tells what happens as it happens. */
@Command(
        name = "demo",
        description = {
            "Play the main job on host roots made from real Debian packages: one host builds, one reuses, one is refused.",
            "Brings a stack of its own, on free ports, and ends it again."
        })
public final class DemoCommand implements Callable<Integer> {

    private static final int CANNOT = 3;

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
        tell("Making three kinds of hosts from real Debian packages (kept for the next time in " + HostRoots.place()
                + ")");
        HostRoots roots = HostRoots.make(home, DemoCommand::line);
        Path workplace = roots.workplace();
        try {
            tell("Starting the broker, the database, the coordinator and the store");
            try (Stack stack = Stack.start(StackOptions.embedded(home, workplace.resolve("data")), DemoCommand::line);
                    Rehearsal rehearsal = new Rehearsal(home, stack, workplace)) {
                return play(roots, workplace, rehearsal);
            }
        } finally {
            HostRoots.delete(workplace);
        }
    }

    private static int play(HostRoots roots, Path workplace, Rehearsal rehearsal)
            throws IOException, InterruptedException {
        tell("The operator publishes the source of " + roots.module() + " " + roots.moduleVersion()
                + ", and a policy that wants it");
        rehearsal.wantModule(roots);
        line(rehearsal.kmodfleet("source", "list").output());

        Path b = roots.copy("b", workplace.resolve("host-b"));
        tell("host-b appears: kernel " + roots.kernel() + ", no compiler, no headers, no dkms");
        rehearsal.startAgent(b);
        line("host-b is told: " + rehearsal.awaitAnswer("host-b", answer -> true));

        Path a = roots.copy("a", workplace.resolve("host-a"));
        tell("host-a appears: the same kernel image, with dkms, gcc, make and headers. It builds, for everybody");
        Instant begin = Instant.now();
        Rehearsal.Outcome built = rehearsal.install(a, "--enable-dkms");
        line(built.output());
        line("host-a took " + seconds(begin));

        tell("host-b waited for it, and reuses it: nothing is compiled there");
        line("host-b is told: " + rehearsal.awaitAnswer("host-b", answer -> answer.startsWith("keep")));
        line("host-a has " + fileOf(a, roots));
        line("host-b has " + fileOf(b, roots));

        tell("host-c appears: a 6.12 kernel, outside the supported range");
        line(rehearsal.install(roots.copy("c", workplace.resolve("host-c"))).output());

        tell("host-d appears: the same release as host-a, another image of it. It does not get host-a's module");
        line(rehearsal.install(roots.copy("d", workplace.resolve("host-d"))).output());

        tell("What an operator sees: kmodfleet hosts");
        line(rehearsal.kmodfleet("hosts").output());
        tell("And why: kmodfleet explain host-d");
        line(rehearsal.kmodfleet("explain", "host-d").output());
        long builds = 0;
        for (var decision : rehearsal.decisions()) {
            builds += decision.path("decision").asText().equals("build") ? 1 : 0;
        }
        tell("Builds in the whole fleet: " + builds);
        boolean right = builds == 1
                && rehearsal.answer("host-a").equals(Optional.of("keep UP_TO_DATE"))
                && rehearsal.answer("host-b").equals(Optional.of("keep UP_TO_DATE"))
                && rehearsal.answer("host-c").equals(Optional.of("reject KERNEL_OUT_OF_RANGE"))
                && rehearsal.answer("host-d").equals(Optional.of("reject NO_BUILD_ENVIRONMENT"));
        line(right ? "✔ everything went as it should" : "✘ something went another way than it should");
        return right ? 0 : 1;
    }

    private static String fileOf(Path root, HostRoots roots) throws IOException {
        Path file = Rehearsal.moduleFile(root, roots.kernel()).orElseThrow();
        return "/" + root.relativize(file) + ", sha256 "
                + io.kmodfleet.contracts.Digest.of(Files.readAllBytes(file)).brief();
    }

    private static String seconds(Instant begin) {
        return Duration.between(begin, Instant.now()).toMillis() / 100 / 10.0 + " s";
    }

    private static void tell(String text) {
        System.out.println("\n» " + text);
    }

    private static void line(String text) {
        text.lines().forEach(line -> System.out.println("    " + line));
    }
}
