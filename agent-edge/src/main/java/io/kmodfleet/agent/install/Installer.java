package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.dkms.DkmsPlaces;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelExports;
import io.kmodfleet.agent.install.Activation.InitramfsTool;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.InstallFailed;
import io.kmodfleet.contracts.Observation.LoadFailed;
import io.kmodfleet.contracts.Observation.ModuleInstalled;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Installs a package on order: fetch, verify, plan, run the plan. The bytes that were verified are the bytes that are written. */
public final class Installer {

    private static final Logger LOG = Logger.getLogger(Installer.class);

    private final HostId host;
    private final HostRoot root;
    private final HostPrograms programs;
    private final Dkms dkms;
    private final StoreClient store;
    private final Path state;
    private final Loader loader;
    private final KernelExports exports;

    /** @param state where the record of a running installation lies */
    public Installer(HostId host, HostRoot root, HostPrograms programs, Dkms dkms, StoreClient store, Path state) {
        this.host = host;
        this.root = root;
        this.programs = programs;
        this.dkms = dkms;
        this.store = store;
        this.state = state;
        this.loader = new Loader(root, programs);
        this.exports = new KernelExports(root);
    }

    /**
     * @param observations what came of it
     * @param bodies that are now installed
     * @param testWaits whether the self-test that was asked for waits for the module to be loaded
     */
    public record Result(List<Observation> observations, List<Digest> bodies, boolean testWaits) {}

    /**
     * How it ended; never throws for a reason that lies in the package, the host or the store.
     *
     * @param kernel what the host has of the kernel, looked at just now
     * @param selfTest whether the self-test of the operator's source package is run too, once the module is loaded
     * @throws InterruptedException where the agent ends: then it is done again
     */
    public Result install(Decision.Reuse order, KernelState kernel, boolean selfTest) throws InterruptedException {
        BuildTarget target = order.target();
        LOG.infof("installing package=%s kernel=%s", order.packageDigest(), target.release());
        try {
            ModulePackage verified = verify(order, kernel.identity());
            PackageManifest manifest = verified.manifest();
            Optional<SourcePackage> source =
                    dkms.isThere() ? Optional.of(sourceOf(target, Optional.empty())) : Optional.empty();
            dkms.locked(() -> {
                InstallPlan plan = InstallPlan.of(
                        manifest, order.subject().release(), present(manifest, verified.dkmsConf(), source, kernel));
                StepRunner.Payload payload = new StepRunner.Payload(
                        manifest.module() + " " + manifest.moduleVersion() + " for kernel "
                                + order.subject().release() + " from " + order.packageDigest(),
                        manifest.modules(),
                        verified.moduleFiles(),
                        source);
                new StepRunner(root, programs, state, payload).run(plan);
                return null;
            });
            Optional<String> refused = kernel.running() ? load(manifest) : Optional.empty();
            Proof proof = kernel.running() && isLoaded(manifest) ? Proof.LOAD : Proof.INSTALL;
            if (selfTest && proof == Proof.LOAD) {
                SelfTest.Verdict tested = new SelfTest(root, programs, state).run(sourceOf(target, source));
                proof = tested.passed() ? Proof.SELF_TEST : proof;
                refused = tested.fault();
            }
            LOG.infof("installed package=%s proof=%s refused=%s", order.packageDigest(), proof, refused.orElse("no"));
            List<Observation> observations = new ArrayList<>();
            observations.add(new ModuleInstalled(host, order.id(), target, order.packageDigest(), proof));
            refused.ifPresent(
                    why -> observations.add(new LoadFailed(host, order.id(), target, order.packageDigest(), why)));
            return new Result(
                    observations,
                    manifest.modules().stream().map(PackagedModule::body).toList(),
                    selfTest && proof == Proof.INSTALL && refused.isEmpty());
        } catch (StepRunner.StepFailed e) {
            return failed(order, e.step(), e.getMessage());
        } catch (Refusal e) {
            return failed(order, "verify", e.rule() + ": " + e.evidence());
        } catch (StoreClient.Refused e) {
            return failed(order, "fetch", e.getMessage());
        } catch (IOException e) {
            return failed(order, "fetch", String.valueOf(e));
        }
    }

    private SourcePackage sourceOf(BuildTarget target, Optional<SourcePackage> known)
            throws IOException, InterruptedException, StoreClient.Refused, Refusal {
        return known.isPresent()
                ? known.get()
                : SourcePackage.read(store.fetch("sources", target.source(), SourcePackage.MAX_BYTES));
    }

    private Result failed(Decision.Reuse order, String step, String error) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("the agent ends");
        }
        LOG.warnf("installation failed package=%s step=%s error=%s", order.packageDigest(), step, error);
        return new Result(
                List.of(new InstallFailed(host, order.id(), order.target(), order.packageDigest(), step, error)),
                List.of(),
                false);
    }

    /**
     * Runs the self-test of a package that was installed before, mostly before the last boot.
     *
     * @return what came of it; absent where the module is not loaded yet, or the store is away
     * @throws InterruptedException where the agent ends: then it is done again
     */
    public Optional<List<Observation>> test(Decision.Reuse order) throws InterruptedException {
        try {
            ModulePackage read =
                    ModulePackage.read(store.fetch("packages", order.packageDigest(), ModulePackage.MAX_BYTES));
            if (!isLoaded(read.manifest())) {
                return Optional.empty();
            }
            SelfTest.Verdict tested =
                    new SelfTest(root, programs, state).run(sourceOf(order.target(), Optional.empty()));
            LOG.infof("tested package=%s passed=%s", order.packageDigest(), tested.passed());
            List<Observation> observations = new ArrayList<>();
            if (tested.passed()) {
                observations.add(
                        new ModuleInstalled(host, order.id(), order.target(), order.packageDigest(), Proof.SELF_TEST));
            }
            tested.fault()
                    .ifPresent(why -> observations.add(
                            new LoadFailed(host, order.id(), order.target(), order.packageDigest(), why)));
            return Optional.of(observations);
        } catch (Refusal | StoreClient.Refused | IOException e) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the agent ends");
            }
            LOG.warnf("not tested yet package=%s error=%s", order.packageDigest(), e.getMessage());
            return Optional.empty();
        }
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
            requireFit(order, read, kernel);
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

    /** Of another image it is only where the coordinator said so, and nothing that can be seen here speaks against it. */
    private void requireFit(Decision.Reuse order, ModulePackage read, KernelIdentity kernel) throws Refusal {
        if (!isShared(order) || kernel.image().isEmpty()) {
            throw new Refusal(
                    Refusal.Rule.WRONG_KERNEL,
                    "Expected kernel image " + order.target().image().brief() + ", but this host has "
                            + kernel.image().map(Digest::brief).orElse("none"));
        }
        for (byte[] file : read.moduleFiles()) {
            Optional<String> misfit;
            try {
                misfit = exports.misfit(ModuleFile.read(file), order.subject().release());
            } catch (NotAModule e) {
                misfit = Optional.of(e.getMessage());
            }
            if (misfit.isPresent()) {
                throw new Refusal(
                        Refusal.Rule.WRONG_KERNEL,
                        "Expected a module that fits kernel " + kernel.release() + " too, but " + misfit.get());
            }
        }
    }

    /**
     * Whether the coordinator meant a package of another image. Of a stale build it does not say: then only another release tells,
     * for with the same release the image may have been exchanged under an order that was exact.
     */
    private static boolean isShared(Decision.Reuse order) {
        boolean otherRelease = !order.target().release().equals(order.subject().release());
        return order.reason() == Reason.PACKAGE_COMPATIBLE || order.reason() == Reason.STALE_BUILD && otherRelease;
    }

    private InstallPlan.Present present(
            PackageManifest manifest, byte[] conf, Optional<SourcePackage> source, KernelState kernel)
            throws IOException {
        String release = kernel.identity().release();
        DkmsPlaces places = new DkmsPlaces(
                manifest.module(),
                manifest.moduleVersion(),
                release,
                manifest.target().arch());
        boolean known = source.isPresent()
                && dkms.holds(places.source(), Dkms.filesToEnter(source.get()))
                && Files.exists(root.at(places.sourceLink()));
        return new InstallPlan.Present(
                source.map(any -> dkms.location(conf)),
                source.isPresent() && !known,
                ModuleFiles.named(root, release),
                InitramfsTool.of(root)
                        .filter(tool -> isInInitramfs(tool, manifest, kernel))
                        .map(tool -> tool.rebuild(release))
                        .orElse(List.of()));
    }

    /** Whether it is in there now, or the host was told that it belongs there: then it would go on holding the old one. */
    private boolean isInInitramfs(InitramfsTool tool, PackageManifest manifest, KernelState kernel) {
        return manifest.modules().stream()
                .map(PackagedModule::name)
                .anyMatch(name -> Files.exists(root.at(tool.list(name).file()))
                        || kernel.modules().stream()
                                .filter(module -> module.name().equals(name))
                                .anyMatch(module -> module.inInitramfs().orElse(false)));
    }

    /** Loads what is not loaded yet; says why the kernel did not want it. */
    private Optional<String> load(PackageManifest manifest) throws InterruptedException {
        for (PackagedModule module : manifest.modules()) {
            Optional<String> refused = loader.load(module.name());
            if (refused.isPresent()) {
                return refused;
            }
        }
        return Optional.empty();
    }

    /** By the source versions that the kernel shows: what is loaded may still be the module of before. */
    private boolean isLoaded(PackageManifest manifest) {
        return manifest.modules().stream()
                .allMatch(module ->
                        module.srcversion().isPresent() && module.srcversion().equals(loadedVersion(module)));
    }

    private Optional<String> loadedVersion(PackagedModule module) {
        try {
            return Optional.of(Files.readString(root.at("/sys/module/" + module.name() + "/srcversion"))
                    .strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
