package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.dkms.SourceBuild.Built;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.BuildFailed;
import io.kmodfleet.contracts.Observation.BuildSucceeded;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Builds one target on order: fetch the source, have it built and checked, upload the package. */
public final class ModuleBuilder {

    private static final Logger LOG = Logger.getLogger(ModuleBuilder.class);

    private final HostId host;
    private final HostRoot root;
    private final SourceBuild building;
    private final StoreClient store;
    private final Path packages;
    private final BuildLog log;
    private final LiveLog live;
    private final Clock clock;

    /**
     * @param packages where a copy of each package is left, as the product guide says (6.5)
     * @param live is told what the log is told
     */
    public ModuleBuilder(
            HostId host,
            HostRoot root,
            SourceBuild building,
            StoreClient store,
            Path packages,
            BuildLog log,
            LiveLog live,
            Clock clock) {
        this.host = host;
        this.root = root;
        this.building = building;
        this.store = store;
        this.packages = packages;
        this.log = log;
        this.live = live;
        this.clock = clock;
    }

    /**
     * How it ended; never throws for a reason that lies in the build, the host or the store.
     *
     * @param kernel what the host has of the kernel, looked at just now
     * @throws InterruptedException where the agent ends: then nothing is known of the build, and it is done again
     */
    public Observation build(Decision.Build order, KernelState kernel) throws InterruptedException {
        live.begin(order.id());
        Observation ended = run(order, kernel);
        live.end(ended instanceof BuildFailed failed ? failed.error() : "built");
        return ended;
    }

    private Observation run(Decision.Build order, KernelState kernel) throws InterruptedException {
        Instant begin = clock.instant();
        BuildTarget target = order.target();
        LOG.infof(
                "building module=%s kernel=%s build=%s log=%s",
                order.subject().module(), target.release(), order.id(), log.file());
        try {
            log.begin();
            if (!target.isFor(kernel.identity())) {
                throw BuildFault.ofHost(
                        "Expected kernel image " + target.image().brief() + ", but it was exchanged meanwhile");
            }
            SourcePackage source = SourcePackage.read(store.fetch("sources", target.source(), SourcePackage.MAX_BYTES));
            requireOrdered(order, source);
            Built built = building.build(source, kernel, host, Optional.of(order.id()), log);
            leaveCopy(root, packages, built);
            Digest logDigest = uploadLog();
            Digest digest = Digest.of(built.archive());
            store.upload("packages", digest, built.archive());
            long millis = Duration.between(begin, clock.instant()).toMillis();
            LOG.infof("built package=%s millis=%d", digest, millis);
            return new BuildSucceeded(host, order.id(), target, digest, logDigest, millis);
        } catch (BuildFault e) {
            return failed(order, e.failure(), e.exitCode(), e.getMessage());
        } catch (Refusal e) {
            return failed(order, FailureClass.BUILD, Optional.empty(), e.rule() + ": " + e.evidence());
        } catch (StoreClient.Refused e) {
            // A package that the store finds wrong was built wrong; a source that it lacks is not the build's fault.
            FailureClass failure = e.isAboutTheContent() ? FailureClass.BUILD : FailureClass.INFRASTRUCTURE;
            return failed(order, failure, Optional.empty(), "The store refused: " + e.getMessage());
        } catch (IOException e) {
            return failed(order, FailureClass.INFRASTRUCTURE, Optional.empty(), String.valueOf(e));
        } finally {
            keepLog(order);
        }
    }

    private static void requireOrdered(Decision.Build order, SourcePackage source) throws BuildFault {
        String module = source.conf().name();
        String version = source.conf().version();
        if (!module.equals(order.subject().module()) || !version.equals(order.moduleVersion())) {
            throw BuildFault.ofBuild("Expected the source of " + order.subject().module() + " " + order.moduleVersion()
                    + ", but it is of " + module + " " + version);
        }
    }

    /** Leaves the package in a directory, whole or not at all; that it cannot be left there is nobody's failure. */
    static void leaveCopy(HostRoot root, Path packages, Built built) {
        Path directory = root.at(packages.toString());
        PackageManifest manifest = built.manifest();
        try {
            Files.createDirectories(directory);
            Path fresh = directory.resolve("." + manifest.fileName() + ".new");
            Files.write(fresh, built.archive());
            Files.move(
                    fresh,
                    directory.resolve(manifest.fileName()),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warnf("no copy of the package left directory=%s error=%s", directory, e);
        }
    }

    private void keepLog(Decision.Build order) {
        if (Files.exists(log.file())) {
            log.keep(
                    order.subject().module() + "-" + order.moduleVersion() + "-"
                            + order.target().release(),
                    clock.instant());
        }
    }

    /** @param words may quote the log, and go into the ledger */
    private BuildFailed failed(Decision.Build order, FailureClass failure, Optional<Integer> exitCode, String words)
            throws InterruptedException {
        String error = Redaction.text(words);
        if (Thread.interrupted()) {
            throw new InterruptedException("the agent ends");
        }
        LOG.warnf("build failed build=%s reason=%s error=%s", order.id(), failure, error);
        Optional<Digest> stored = Optional.empty();
        if (Files.exists(log.file())) {
            try {
                stored = Optional.of(uploadLog());
            } catch (IOException | StoreClient.Refused e) {
                LOG.warnf("build log not stored error=%s", e.getMessage());
            }
        }
        return new BuildFailed(host, order.id(), order.target(), failure, exitCode, error, stored);
    }

    private Digest uploadLog() throws IOException, InterruptedException, StoreClient.Refused {
        byte[] bytes = log.bytes();
        Digest digest = Digest.of(bytes);
        store.upload("logs", digest, bytes);
        return digest;
    }
}
