package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.InstallPlan.Step;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.InstallFailed;
import io.kmodfleet.contracts.Observation.ModuleInstalled;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/** Installs a package on order: fetch, verify, plan, run the plan. The bytes that were verified are the bytes that are written. */
public final class Installer {

    private static final Logger LOG = Logger.getLogger(Installer.class);
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final HostId host;
    private final HostRoot root;
    private final HostPrograms programs;
    private final Dkms dkms;
    private final StoreClient store;

    public Installer(HostId host, HostRoot root, HostPrograms programs, Dkms dkms, StoreClient store) {
        this.host = host;
        this.root = root;
        this.programs = programs;
        this.dkms = dkms;
        this.store = store;
    }

    /** What came of it, and the bodies that are now installed. */
    public record Result(Observation observation, List<Digest> bodies) {}

    /** A step that did not do what it should. */
    private static final class StepFailed extends IOException {
        private final String step;

        StepFailed(String step, String error) {
            super(error);
            this.step = step;
        }
    }

    public Result install(Decision.Reuse order, KernelIdentity kernel) throws InterruptedException {
        BuildTarget target = order.target();
        LOG.infof("installing package=%s kernel=%s", order.packageDigest(), target.release());
        try {
            ModulePackage verified = verify(order, kernel);
            PackageManifest manifest = verified.manifest();
            Optional<SourcePackage> source = dkms.isThere()
                    ? Optional.of(SourcePackage.read(store.fetch("sources", target.source(), SourcePackage.MAX_BYTES)))
                    : Optional.empty();
            dkms.locked(() -> {
                InstallPlan plan = InstallPlan.of(manifest, dkms.isThere(), isBuilt(manifest));
                for (Step step : plan.steps()) {
                    run(step, verified, source);
                }
                return null;
            });
            Proof proof = proofOf(manifest);
            LOG.infof("installed package=%s proof=%s", order.packageDigest(), proof);
            return new Result(
                    new ModuleInstalled(host, order.id(), target, order.packageDigest(), proof),
                    manifest.modules().stream().map(PackagedModule::body).toList());
        } catch (StepFailed e) {
            return failed(order, e.step, e.getMessage());
        } catch (Refusal e) {
            return failed(order, "verify", e.rule() + ": " + e.evidence());
        } catch (StoreClient.Refused | IOException e) {
            return failed(order, "fetch", String.valueOf(e.getMessage()));
        }
    }

    private Result failed(Decision.Reuse order, String step, String error) {
        LOG.warnf("installation failed package=%s step=%s error=%s", order.packageDigest(), step, error);
        return new Result(
                new InstallFailed(host, order.id(), order.target(), order.packageDigest(), step, error), List.of());
    }

    private ModulePackage verify(Decision.Reuse order, KernelIdentity kernel)
            throws IOException, InterruptedException, StoreClient.Refused, Refusal {
        ModulePackage read =
                ModulePackage.read(store.fetch("packages", order.packageDigest(), ModulePackage.MAX_BYTES));
        PackageManifest manifest = read.manifest();
        if (!manifest.target().equals(order.target())) {
            throw new Refusal(
                    Refusal.Rule.WRONG_KERNEL,
                    "Expected a package for " + order.target() + ", but it is for " + manifest.target());
        }
        if (!order.target().isFor(kernel)) {
            throw new Refusal(
                    Refusal.Rule.WRONG_KERNEL,
                    "Expected kernel image " + order.target().image().brief() + ", but this host has "
                            + kernel.image().map(Digest::brief).orElse("none"));
        }
        if (!manifest.module().equals(order.subject().module())
                || !manifest.moduleVersion().equals(order.moduleVersion())) {
            throw new Refusal(
                    Refusal.Rule.WRONG_SOURCE,
                    "Expected " + order.subject().module() + " " + order.moduleVersion() + ", but it is "
                            + manifest.module() + " " + manifest.moduleVersion());
        }
        return read;
    }

    private void run(Step step, ModulePackage verified, Optional<SourcePackage> source) throws IOException {
        LOG.debugf("step step=%s", step.name());
        PackageManifest manifest = verified.manifest();
        try {
            if (step instanceof Step.AddSource) {
                Outcome outcome = dkms.add(source.orElseThrow());
                // 3 and 8: known already.
                require(step, outcome.isSuccess() || outcome.exitCode() == 3 || outcome.exitCode() == 8, outcome);
            } else if (step instanceof Step.EnterBuild) {
                List<String> names = new ArrayList<>();
                manifest.modules().forEach(module -> names.add(module.file().substring("module/".length())));
                dkms.enter(
                        manifest.module(), manifest.moduleVersion(), manifest.target(), names, verified.moduleFiles());
            } else if (step instanceof Step.InstallWithDkms) {
                Outcome outcome = dkms.install(manifest.module(), manifest.moduleVersion(), manifest.target());
                require(step, outcome.isSuccess() || outcome.exitCode() == 5, outcome);
            } else if (step instanceof Step.WriteModule write) {
                int index = manifest.modules().indexOf(write.module());
                write(root.at(write.path()), verified.moduleFiles().get(index));
            } else if (step instanceof Step.Depmod depmod) {
                Outcome outcome = programs.run(LIMIT, List.of("depmod", depmod.release()));
                require(step, outcome.isSuccess(), outcome);
            } else if (step instanceof Step.Confirm confirm) {
                confirm(confirm, manifest.target().release());
            }
        } catch (StepFailed e) {
            throw e;
        } catch (IOException e) {
            throw new StepFailed(step.name(), String.valueOf(e));
        }
    }

    private static void require(Step step, boolean condition, Outcome outcome) throws StepFailed {
        if (!condition) {
            throw new StepFailed(step.name(), "exited with " + outcome.exitCode() + ": " + outcome.lastLine());
        }
    }

    private void confirm(Step.Confirm step, String release) throws IOException {
        Path modules = root.at("/lib/modules/" + release);
        String dependencies = Files.readString(modules.resolve("modules.dep"));
        Path file = find(modules, step.module())
                .orElseThrow(() -> new StepFailed(
                        step.name(), "Expected the package's module below " + modules + ", but it is not there"));
        String entry = modules.relativize(file) + ":";
        if (dependencies.lines().noneMatch(line -> line.startsWith(entry))) {
            throw new StepFailed(step.name(), "Expected modules.dep to name " + entry + " but it does not");
        }
    }

    private static Optional<Path> find(Path modules, PackagedModule module) throws IOException {
        try (Stream<Path> files = Files.walk(modules.resolve("updates"), 4)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                if (file.getFileName().toString().contains(".ko")
                        && bodyOf(file).equals(Optional.of(module.body()))) {
                    return Optional.of(file);
                }
            }
        }
        return Optional.empty();
    }

    private boolean isBuilt(PackageManifest manifest) throws IOException {
        List<Optional<Digest>> bodies = new ArrayList<>();
        for (Path file : dkms.built(manifest.module(), manifest.moduleVersion(), manifest.target())) {
            bodies.add(bodyOf(file));
        }
        return manifest.modules().stream().allMatch(module -> bodies.contains(Optional.of(module.body())));
    }

    private static Optional<Digest> bodyOf(Path file) throws IOException {
        try {
            return Optional.of(ModuleFile.read(Files.readAllBytes(file)).body());
        } catch (NotAModule e) {
            return Optional.empty();
        }
    }

    /** Loads it where its kernel runs and nothing of that name is loaded; says what that proves. */
    private Proof proofOf(PackageManifest manifest) throws IOException {
        Path running = Path.of("/proc/sys/kernel/osrelease");
        boolean runs = root.isRunningSystem()
                && Files.readString(running).strip().equals(manifest.target().release());
        if (!runs) {
            return Proof.INSTALL;
        }
        for (PackagedModule module : manifest.modules()) {
            Path loaded = Path.of("/sys/module/" + module.name() + "/srcversion");
            if (Files.notExists(loaded)) {
                programs.run(LIMIT, List.of("modprobe", module.name()));
            }
            if (Files.notExists(loaded)
                    || !module.srcversion()
                            .equals(Optional.of(Files.readString(loaded).strip()))) {
                return Proof.INSTALL;
            }
        }
        return Proof.LOAD;
    }

    private static void write(Path place, byte[] bytes) throws IOException {
        Files.createDirectories(place.getParent());
        Path fresh = place.resolveSibling("." + place.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        try (FileChannel out = FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                out.write(buffer);
            }
            out.force(true);
        }
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel directory = FileChannel.open(place.getParent(), StandardOpenOption.READ)) {
            directory.force(true);
        }
    }
}
