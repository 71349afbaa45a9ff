package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.InstallPlan.Step;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Runs the steps of one plan. Where one fails, files that were there before are there again. */
final class StepRunner {

    private static final Logger LOG = Logger.getLogger(StepRunner.class);
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final HostRoot root;
    private final HostPrograms programs;
    private final Dkms dkms;
    private final ModulePackage verified;
    private final BuildTarget place;
    private final Optional<SourcePackage> source;
    private final Path log;
    private final Deque<Moved> moved = new ArrayDeque<>();
    private boolean depmodRan;

    /** A file that stood at a place before, and where it is kept meanwhile; empty where nothing stood there. */
    private record Moved(Path place, Optional<Path> kept) {}

    /** A step that did not do what it should. */
    static final class StepFailed extends IOException {
        private final String step;

        StepFailed(String step, String error) {
            super(error);
            this.step = step;
        }

        String step() {
            return step;
        }
    }

    /**
     * @param place what it serves here
     * @param source the operator's source package, where a step needs it
     */
    StepRunner(
            HostRoot root,
            HostPrograms programs,
            Dkms dkms,
            ModulePackage verified,
            BuildTarget place,
            Optional<SourcePackage> source,
            Path log) {
        this.root = root;
        this.programs = programs;
        this.dkms = dkms;
        this.verified = verified;
        this.place = place;
        this.source = source;
        this.log = log;
    }

    void run(InstallPlan plan) throws IOException, InterruptedException {
        for (Step step : plan.steps()) {
            LOG.debugf("step step=%s", step.name());
            try {
                run(step);
            } catch (StepFailed e) {
                undo();
                throw e;
            } catch (IOException e) {
                undo();
                throw new StepFailed(step.name(), String.valueOf(e));
            }
        }
        for (Moved file : moved) {
            if (file.kept().isPresent()) {
                Files.deleteIfExists(file.kept().get());
            }
        }
    }

    private void run(Step step) throws IOException, InterruptedException {
        PackageManifest manifest = verified.manifest();
        if (step instanceof Step.AddSource) {
            require(step, dkms.add(source.orElseThrow(), log), 0);
        } else if (step instanceof Step.EnterBuild) {
            List<String> names = new ArrayList<>();
            manifest.modules().forEach(module -> names.add(module.file().substring("module/".length())));
            dkms.enter(manifest.module(), manifest.moduleVersion(), place, names, verified.moduleFiles());
        } else if (step instanceof Step.InstallWithDkms) {
            // 5: it is installed already.
            require(step, dkms.install(manifest.module(), manifest.moduleVersion(), place), 0, 5);
        } else if (step instanceof Step.WriteModule write) {
            int index = manifest.modules().indexOf(write.module());
            write(root.at(write.path()), verified.moduleFiles().get(index));
        } else if (step instanceof Step.SetAside other) {
            Path place = root.at(other.path());
            Path kept = keptFor(place);
            Files.move(place, kept, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            moved.push(new Moved(place, Optional.of(kept)));
        } else if (step instanceof Step.Depmod depmod) {
            depmodRan = true;
            require(step, programs.run(LIMIT, List.of("depmod", depmod.release())), 0);
        } else if (step instanceof Step.Confirm confirm) {
            confirm(confirm.module(), place.release());
        }
    }

    private static void require(Step step, Outcome outcome, int... accepted) throws StepFailed {
        for (int code : accepted) {
            if (outcome.exitCode() == code) {
                return;
            }
        }
        throw new StepFailed(step.name(), "exited with " + outcome.exitCode() + ": " + outcome.lastLine());
    }

    private void confirm(PackagedModule module, String release) throws IOException {
        Path modules = root.at("/lib/modules/" + release);
        List<Path> files = ModuleFiles.withBody(modules, module.body());
        if (files.isEmpty()) {
            throw new IOException(
                    "Expected the module of the package below /lib/modules/" + release + ", but it is not there");
        }
        // depmod names one file of each module name: the one that modprobe takes.
        List<String> entries =
                files.stream().map(file -> modules.relativize(file) + ":").toList();
        List<String> lines = Files.readAllLines(modules.resolve("modules.dep"));
        if (lines.stream().noneMatch(line -> entries.stream().anyMatch(line::startsWith))) {
            throw new IOException("Expected modules.dep to name " + entries.get(0)
                    + " but it does not. Another file of that name may go before it");
        }
    }

    private void write(Path place, byte[] bytes) throws IOException {
        Files.createDirectories(place.getParent());
        Path fresh = place.resolveSibling("." + place.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        try (FileChannel out = FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                out.write(buffer);
            }
            out.force(true);
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
        Optional<Path> kept = Optional.empty();
        if (Files.isRegularFile(place)) {
            Path link = keptFor(place);
            Files.deleteIfExists(link);
            Files.createLink(link, place);
            kept = Optional.of(link);
        }
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        moved.push(new Moved(place, kept));
        try (FileChannel directory = FileChannel.open(place.getParent(), StandardOpenOption.READ)) {
            directory.force(true);
        }
    }

    /** A name that depmod does not take for a module. */
    private static Path keptFor(Path place) {
        return place.resolveSibling("." + place.getFileName() + ".kept");
    }

    private void undo() throws InterruptedException {
        try {
            while (!moved.isEmpty()) {
                Moved file = moved.pop();
                if (file.kept().isPresent()) {
                    Files.move(
                            file.kept().get(),
                            file.place(),
                            StandardCopyOption.ATOMIC_MOVE,
                            StandardCopyOption.REPLACE_EXISTING);
                } else {
                    Files.deleteIfExists(file.place());
                }
            }
            if (depmodRan) {
                programs.run(LIMIT, List.of("depmod", place.release()));
            }
        } catch (IOException e) {
            LOG.warnf("file of before not put back error=%s", e);
        }
    }
}
