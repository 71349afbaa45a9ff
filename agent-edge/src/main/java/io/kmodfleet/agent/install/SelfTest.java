package io.kmodfleet.agent.install;

import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Conditions;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Tries a loaded module out with the program that the operator's source package brings for it: that a module loads does not show
 * that it works. The program gets a scratch loop device and nothing else: no network, no disk of the host in its arguments, a time
 * limit. No device is left behind.
 */
final class SelfTest {

    /** Where a source package has it; whatever lies beside it is there for it too. */
    static final String SCRIPT = "kmodfleet/self-test";

    private static final Logger LOG = Logger.getLogger(SelfTest.class);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final Duration STEP = Duration.ofMinutes(1);
    private static final long DEVICE_BYTES = 64L * 1024 * 1024;
    private static final int MOST_WORDS = 1_000;

    private final HostRoot root;
    private final HostPrograms programs;
    private final Path place;
    private final Duration limit;

    SelfTest(HostRoot root, HostPrograms programs, Path state) {
        this(root, programs, state, LIMIT);
    }

    SelfTest(HostRoot root, HostPrograms programs, Path state, Duration limit) {
        this.root = root;
        this.programs = programs;
        this.place = placeIn(state);
        this.limit = limit;
    }

    /**
     * @param passed whether the module did what its operator expects
     * @param fault what speaks against the module; absent where it passed, and where the test could not be run here
     */
    record Verdict(boolean passed, Optional<String> fault) {

        private static final Verdict PASSED = new Verdict(true, Optional.empty());

        /** Nothing is known of the module by it. */
        private static final Verdict NOT_RUN = new Verdict(false, Optional.empty());

        private static Verdict failed(String how) {
            String words = "the self-test of its source package " + how;
            return new Verdict(
                    false, Optional.of(words.length() > MOST_WORDS ? words.substring(0, MOST_WORDS) : words));
        }
    }

    static Path placeIn(Path state) {
        return state.resolve("self-test");
    }

    /** @throws InterruptedException where the agent ends: then it is done again */
    Verdict run(SourcePackage source) throws InterruptedException {
        boolean brought = source.files().stream().anyMatch(file -> file.path().equals(SCRIPT) && file.program());
        if (!brought) {
            LOG.warnf(
                    "no self-test, the policy asks for one but the source package has no program %s module=%s",
                    SCRIPT, source.conf().name());
            return Verdict.NOT_RUN;
        }
        try {
            clear(root, programs, place);
            layOut(source);
            Optional<String> device = attach();
            if (device.isEmpty()) {
                return Verdict.NOT_RUN;
            }
            return tried(device.get());
        } catch (IOException e) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the agent ends");
            }
            LOG.warnf("self-test not run error=%s", e);
            return Verdict.NOT_RUN;
        } finally {
            clearQuietly();
        }
    }

    private Verdict tried(String device) throws IOException, InterruptedException {
        Conditions conditions = new Conditions(limit, Map.of(), List.of(), true);
        Path log = place.resolve("self-test.log");
        Outcome outcome = programs.run(conditions, log, List.of(nameOf(place.resolve(SCRIPT)), device));
        if (outcome.exitCode() == Outcome.TIMED_OUT) {
            return Verdict.failed("did not end within " + limit.toSeconds() + " s");
        }
        if (!outcome.isSuccess()) {
            return Verdict.failed("exited with " + outcome.exitCode() + ": " + outcome.lastLine());
        }
        return detach(root, programs, place)
                ? Verdict.PASSED
                : Verdict.failed("succeeded, but something still holds its device " + device);
    }

    private void layOut(SourcePackage source) throws IOException {
        Files.createDirectories(place);
        Files.setPosixFilePermissions(place, PosixFilePermissions.fromString("rwx------"));
        for (SourceFile file : source.files()) {
            Path at = place.resolve(file.path());
            Files.createDirectories(at.getParent());
            Files.write(at, file.bytes());
            Files.setPosixFilePermissions(
                    at, PosixFilePermissions.fromString(file.program() ? "rwxr-xr-x" : "rw-r--r--"));
        }
        try (RandomAccessFile file = new RandomAccessFile(disk(place).toFile(), "rw")) {
            file.setLength(DEVICE_BYTES);
        }
    }

    private Optional<String> attach() throws IOException, InterruptedException {
        Outcome outcome = programs.run(STEP, List.of("losetup", "--find", "--show", nameOf(disk(place))));
        if (!outcome.isSuccess() || !outcome.lastLine().startsWith("/dev/loop")) {
            LOG.warnf("self-test not run, no loop device error=%s", outcome.lastLine());
            return Optional.empty();
        }
        return Optional.of(outcome.lastLine());
    }

    private static Path disk(Path place) {
        return place.resolve("scratch.img");
    }

    private String nameOf(Path here) {
        return root.isRunningSystem() ? here.toString() : root.nameOf(here);
    }

    /** @return whether no loop device is left on the scratch disk; one that is held goes when its holder lets go */
    private static boolean detach(HostRoot root, HostPrograms programs, Path place)
            throws IOException, InterruptedException {
        for (String device : devices(root, programs, place)) {
            programs.run(STEP, List.of("losetup", "--detach", device));
        }
        return devices(root, programs, place).isEmpty();
    }

    private static List<String> devices(HostRoot root, HostPrograms programs, Path place)
            throws IOException, InterruptedException {
        Path disk = disk(place);
        if (!Files.exists(disk)) {
            return List.of();
        }
        String name = root.isRunningSystem() ? disk.toString() : root.nameOf(disk);
        return programs.run(STEP, List.of("losetup", "--associated", name))
                .output()
                .lines()
                .filter(line -> line.startsWith("/dev/loop"))
                .map(line -> line.substring(0, line.indexOf(':')))
                .toList();
    }

    /** What a test that was killed left. */
    static void clear(HostRoot root, HostPrograms programs, Path place) throws IOException, InterruptedException {
        detach(root, programs, place);
        Durable.delete(place);
    }

    private void clearQuietly() throws InterruptedException {
        try {
            clear(root, programs, place);
        } catch (IOException e) {
            LOG.warnf("self-test not cleared away directory=%s error=%s", place, e);
        }
    }
}
