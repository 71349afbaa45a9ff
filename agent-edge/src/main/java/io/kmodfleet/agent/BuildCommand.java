package io.kmodfleet.agent;

import io.kmodfleet.agent.dkms.BuildFault;
import io.kmodfleet.agent.dkms.BuildLimit;
import io.kmodfleet.agent.dkms.BuildLog;
import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.dkms.SourceBuild;
import io.kmodfleet.agent.dkms.SourceBuild.Built;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A build on this host alone, for its admin: with the checks of any other build, and with nothing else in reach. */
@Command(
        name = "build",
        description = {
            "Build a module source for one kernel and write a package; needs neither coordinator nor store.",
            "Nothing is installed, and the host's own dkms tree is not touched."
        })
final class BuildCommand implements Callable<Integer> {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    @Mixin
    private HostOptions host;

    @Option(
            names = "--source",
            required = true,
            paramLabel = "DIR|FILE",
            description = "The source: a directory with dkms.conf in it, or such a directory as .tar.gz.")
    private Path source;

    @Option(
            names = "--kernel",
            paramLabel = "RELEASE",
            description = "The kernel to build for (default: the running one; of another root, its only one).")
    private Optional<String> kernel;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = ".",
            description = "Where the package is written (default: the working directory).")
    private Path out;

    @Option(names = "--dry-run", description = "Say what would be done, and do nothing.")
    private boolean dryRun;

    /** What {@code -o json} prints. */
    record Result(
            int exitCode,
            String outcome,
            List<String> plan,
            Optional<String> file,
            Optional<PackageManifest> manifest) {}

    @Override
    public Integer call() throws Exception {
        HostRoot root = host.root();
        HostInspector inspector = new HostInspector(root, false, Optional.empty(), Map::of, host.labels(), () -> true);
        KernelState chosen = chosen(inspector.inspect());
        SourcePackage read = read(source);
        HostPrograms programs = new HostPrograms(root);
        SourceBuild building = new SourceBuild(
                root,
                programs,
                new Dkms(root, programs, host.state()),
                BuildLimit.fromEnvironment(),
                Clock.systemUTC());
        Result result = dryRun
                ? new Result(0, "Nothing was done.", building.plan(read, chosen), Optional.empty(), Optional.empty())
                : build(building, read, chosen, inspector);
        if (host.isJson()) {
            System.out.println(FleetJson.write(result));
        } else {
            result.plan().forEach(step -> say("[INFO] would " + step));
            say((result.exitCode() == 0 ? "✔ [SUCCESS] " : "[ERROR] ") + result.outcome());
        }
        return result.exitCode();
    }

    private Result build(SourceBuild building, SourcePackage read, KernelState chosen, HostInspector inspector)
            throws IOException, InterruptedException {
        Files.createDirectories(host.state());
        BuildLog log = new BuildLog(host.state(), listener());
        log.begin();
        String what = read.conf().name() + " " + read.conf().version() + " for kernel "
                + chosen.identity().release();
        say("[INFO] Building " + what + ".");
        try {
            Built built = building.build(read, chosen, inspector.hostId(), Optional.empty(), log);
            Path file = write(built);
            return new Result(
                    0,
                    "Built " + what + ": " + file,
                    List.of(),
                    Optional.of(file.toString()),
                    Optional.of(built.manifest()));
        } catch (BuildFault e) {
            return failed(codeOf(e.failure()), e.getMessage() + ". The whole log: " + log.file());
        }
    }

    private static Result failed(int code, String sentence) {
        return new Result(code, sentence, List.of(), Optional.empty(), Optional.empty());
    }

    private static int codeOf(FailureClass failure) {
        return switch (failure) {
            case INFRASTRUCTURE -> AgentCommand.FAILED;
            case NOT_APPLICABLE -> AgentCommand.NOT_SUPPORTED;
            case BUILD -> AgentCommand.BUILD_FAILED;
        };
    }

    private Path write(Built built) throws IOException {
        Files.createDirectories(out);
        Path file = out.resolve(built.manifest().fileName());
        Path fresh = file.resolveSibling("." + file.getFileName() + ".new");
        Files.write(fresh, built.archive());
        return Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private KernelState chosen(HostReport report) {
        List<KernelState> fitting = report.kernels().stream()
                .filter(state -> kernel.map(state.identity().release()::equals)
                        .orElse(state.running() || !host.root().isRunningSystem()))
                .toList();
        if (fitting.size() != 1) {
            List<String> there = report.kernels().stream()
                    .map(state -> state.identity().release())
                    .toList();
            throw new Trouble(
                    "Expected " + kernel.map(release -> "kernel " + release).orElse("one kernel to build for")
                            + ", but there are: " + (there.isEmpty() ? "none" : String.join(", ", there))
                            + ". Name one with --kernel.");
        }
        return fitting.get(0);
    }

    private static SourcePackage read(Path source) throws IOException {
        try {
            return SourcePackage.read(
                    Files.isDirectory(source) ? SourcePackage.write(filesOf(source)) : archive(source));
        } catch (Refusal e) {
            throw new Trouble(source + ": " + e.evidence() + ".");
        }
    }

    private static byte[] archive(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Trouble("Expected a directory or a .tar.gz after --source, but " + file + " is neither.");
        }
        if (Files.size(file) > SourcePackage.MAX_BYTES) {
            throw new Trouble(
                    "Expected a source of at most " + SourcePackage.MAX_BYTES + " bytes, but " + file + " is larger.");
        }
        return Files.readAllBytes(file);
    }

    /** What version control keeps beside a source is none of it. */
    private static List<SourceFile> filesOf(Path tree) throws IOException {
        List<SourceFile> files = new ArrayList<>();
        long bytes = 0;
        try (Stream<Path> paths = Files.walk(tree)) {
            for (Path path : paths.filter(path -> !tree.relativize(path).startsWith(".git"))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList()) {
                bytes += Files.size(path);
                if (bytes > SourcePackage.MAX_EXPANDED) {
                    throw new Trouble("Expected a source of at most " + SourcePackage.MAX_EXPANDED + " bytes, but "
                            + tree + " holds more.");
                }
                files.add(new SourceFile(
                        tree.relativize(path).toString(), Files.readAllBytes(path), Files.isExecutable(path)));
            }
        }
        return files;
    }

    /** Somebody who looks on sees what the compiler says; a file or a pipe gets the few lines of our own. */
    private Consumer<String> listener() {
        boolean watched = System.console() != null && !host.isJson();
        return watched ? line -> System.out.println("    " + line.replaceAll("\\p{Cntrl}", " ")) : line -> {};
    }

    /** In JSON the lines are no part of the answer. */
    private void say(String line) {
        (host.isJson() ? System.err : System.out)
                .println("[" + LocalDateTime.now().format(TIME) + "] " + line);
    }
}
