package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.BuildFailed;
import io.kmodfleet.contracts.Observation.BuildSucceeded;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Builds one target on order: fetch the source, build it, look at what came out, pack it, upload it. */
public final class ModuleBuilder {

    private static final Logger LOG = Logger.getLogger(ModuleBuilder.class);
    private static final int MOST_LOG = 16 * 1024 * 1024;

    private final HostId host;
    private final HostRoot root;
    private final Dkms dkms;
    private final StoreClient store;
    private final Path packages;
    private final Path log;
    private final Clock clock;

    /**
     * @param packages where a copy of each package is left, as the product guide says (6.5)
     * @param log the file that a build writes to as it goes on
     */
    public ModuleBuilder(
            HostId host, HostRoot root, Dkms dkms, StoreClient store, Path packages, Path log, Clock clock) {
        this.host = host;
        this.root = root;
        this.dkms = dkms;
        this.store = store;
        this.packages = packages;
        this.log = log;
        this.clock = clock;
    }

    /** A build that ended without a package. */
    private static final class Failed extends IOException {
        private final FailureClass failure;
        private final transient Optional<Integer> exitCode;

        Failed(FailureClass failure, Optional<Integer> exitCode, String error) {
            super(error);
            this.failure = failure;
            this.exitCode = exitCode;
        }
    }

    /**
     * How it ended; never throws for a reason that lies in the build, the host or the store.
     *
     * @throws InterruptedException where the agent ends: then nothing is known of the build, and it is done again
     */
    public Observation build(Decision.Build order, KernelIdentity kernel) throws InterruptedException {
        Instant begin = clock.instant();
        BuildTarget target = order.target();
        LOG.infof(
                "building module=%s kernel=%s build=%s log=%s",
                order.subject().module(), target.release(), order.id(), log);
        try {
            Files.deleteIfExists(log);
            if (!target.isFor(kernel)) {
                throw new Failed(
                        FailureClass.INFRASTRUCTURE,
                        Optional.empty(),
                        "Expected kernel image " + target.image().brief() + ", but it was exchanged meanwhile");
            }
            SourcePackage source = SourcePackage.read(store.fetch("sources", target.source(), SourcePackage.MAX_BYTES));
            byte[] archive = dkms.locked(() -> run(order, source, kernel, begin));
            Digest logDigest = uploadLog();
            Digest digest = Digest.of(archive);
            store.upload("packages", digest, archive);
            long millis = Duration.between(begin, clock.instant()).toMillis();
            LOG.infof("built package=%s millis=%d", digest, millis);
            return new BuildSucceeded(host, order.id(), target, digest, logDigest, millis);
        } catch (Failed e) {
            return failed(order, e.failure, e.exitCode, e.getMessage());
        } catch (Refusal e) {
            return failed(order, FailureClass.BUILD, Optional.empty(), e.rule() + ": " + e.evidence());
        } catch (StoreClient.Refused e) {
            // A package that the store finds wrong was built wrong; a source that it lacks is not the build's fault.
            FailureClass failure = e.isAboutTheContent() ? FailureClass.BUILD : FailureClass.INFRASTRUCTURE;
            return failed(order, failure, Optional.empty(), "The store refused: " + e.getMessage());
        } catch (IOException e) {
            return failed(order, FailureClass.INFRASTRUCTURE, Optional.empty(), String.valueOf(e));
        }
    }

    private byte[] run(Decision.Build order, SourcePackage source, KernelIdentity kernel, Instant begin)
            throws IOException, InterruptedException {
        String module = source.conf().name();
        String version = source.conf().version();
        if (!module.equals(order.subject().module()) || !version.equals(order.moduleVersion())) {
            throw new Failed(
                    FailureClass.BUILD,
                    Optional.empty(),
                    "Expected the source of " + order.subject().module() + " " + order.moduleVersion()
                            + ", but it is of " + module + " " + version);
        }
        BuildTarget target = order.target();
        note("dkms add");
        check("add", dkms.add(source, log), Optional.empty());
        note("dkms build");
        Outcome built = dkms.build(module, version, target, log);
        Optional<String> makeLog = dkms.makeLog(module, version, target, begin);
        if (makeLog.isPresent()) {
            note("make.log");
            Files.writeString(log, makeLog.get(), StandardOpenOption.APPEND);
        }
        check("build", built, makeLog);
        return pack(order, source, kernel);
    }

    private void note(String action) throws IOException {
        Files.writeString(log, "==> " + action + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static void check(String action, Outcome outcome, Optional<String> makeLog) throws Failed {
        DkmsExit exit = DkmsExit.of(outcome.exitCode(), outcome.output() + makeLog.orElse(""));
        if (exit != DkmsExit.DONE && exit != DkmsExit.ALREADY) {
            String ended = outcome.exitCode() == Outcome.TIMED_OUT
                    ? " took too long and was ended"
                    : " exited with " + outcome.exitCode();
            throw new Failed(
                    exit.failureClass(),
                    Optional.of(outcome.exitCode()),
                    "dkms " + action + ended + ": " + DkmsExit.tellingLine(outcome.output(), makeLog));
        }
    }

    private byte[] pack(Decision.Build order, SourcePackage source, KernelIdentity kernel)
            throws IOException, InterruptedException {
        String module = source.conf().name();
        String version = source.conf().version();
        BuildTarget target = order.target();
        List<PackagedModule> modules = new ArrayList<>();
        List<byte[]> files = new ArrayList<>();
        for (Path path : dkms.built(module, version, target)) {
            byte[] file = Files.readAllBytes(path);
            modules.add(look(path, file, target));
            files.add(file);
        }
        if (modules.isEmpty()) {
            throw new Failed(FailureClass.BUILD, Optional.empty(), "dkms says that it built, but there is no module");
        }
        byte[] conf = source.files().stream()
                .filter(file -> file.path().equals("dkms.conf"))
                .map(SourceFile::bytes)
                .findFirst()
                .orElseThrow();
        PackageManifest manifest = new PackageManifest(
                PackageManifest.FORMAT,
                module,
                version,
                target,
                kernel,
                modules,
                Digest.of(conf),
                dkms.versionOf("gcc", "cc"),
                dkms.versionOf("dkms"),
                host,
                order.id(),
                Digest.of(logged()),
                clock.instant());
        byte[] archive = ModulePackage.write(manifest, conf, files);
        leaveCopy(manifest, archive);
        return archive;
    }

    private static PackagedModule look(Path path, byte[] file, BuildTarget target) throws Failed {
        try {
            ModuleFile found = ModuleFile.read(file);
            if (!found.info().release().equals(target.release())) {
                throw new Failed(
                        FailureClass.BUILD,
                        Optional.empty(),
                        "Expected a module for " + target.release() + ", but dkms built one for "
                                + found.info().release());
            }
            return new PackagedModule(
                    found.info().name(),
                    "module/" + path.getFileName(),
                    Digest.of(file),
                    found.body(),
                    found.info().vermagic(),
                    found.info().srcversion());
        } catch (NotAModule e) {
            throw new Failed(FailureClass.BUILD, Optional.empty(), path.getFileName() + ": " + e.getMessage());
        }
    }

    private void leaveCopy(PackageManifest manifest, byte[] archive) {
        Path directory = root.at(packages.toString());
        try {
            Files.createDirectories(directory);
            Path fresh = directory.resolve("." + manifest.fileName() + ".new");
            Files.write(fresh, archive);
            Files.move(
                    fresh,
                    directory.resolve(manifest.fileName()),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warnf("no copy of the package left directory=%s error=%s", directory, e);
        }
    }

    private BuildFailed failed(Decision.Build order, FailureClass failure, Optional<Integer> exitCode, String error)
            throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("the agent ends");
        }
        LOG.warnf("build failed build=%s reason=%s error=%s", order.id(), failure, error);
        Optional<Digest> stored = Optional.empty();
        if (Files.exists(log)) {
            try {
                stored = Optional.of(uploadLog());
            } catch (IOException | StoreClient.Refused e) {
                LOG.warnf("build log not stored error=%s", e.getMessage());
            }
        }
        return new BuildFailed(host, order.id(), order.target(), failure, exitCode, error, stored);
    }

    private Digest uploadLog() throws IOException, InterruptedException, StoreClient.Refused {
        byte[] bytes = logged();
        Digest digest = Digest.of(bytes);
        store.upload("logs", digest, bytes);
        return digest;
    }

    private byte[] logged() throws IOException {
        try (InputStream in = Files.newInputStream(log)) {
            return in.readNBytes(MOST_LOG);
        }
    }
}
