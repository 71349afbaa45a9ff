package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Conditions;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostPrograms.Shown;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelExports;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Builds one source for one kernel with the host's dkms, in a scratch tree, and looks at what came out. A package comes of it only
 * where nothing speaks against the module; the host's own dkms tree is not touched.
 */
public final class SourceBuild {

    private static final Logger LOG = Logger.getLogger(SourceBuild.class);
    private static final Duration PROBE = Duration.ofMinutes(5);

    private final HostRoot root;
    private final HostPrograms programs;
    private final Dkms dkms;
    private final Duration limit;
    private final Clock clock;
    private final Toolchain toolchain;
    private final SymbolMaps maps;
    private final KernelExports kernels;

    /** @param limit after which a build is ended, with every process that it started */
    public SourceBuild(HostRoot root, HostPrograms programs, Dkms dkms, Duration limit, Clock clock) {
        this.root = root;
        this.programs = programs;
        this.dkms = dkms;
        this.limit = limit;
        this.clock = clock;
        this.toolchain = new Toolchain(root, programs);
        this.maps = new SymbolMaps(root, programs);
        this.kernels = new KernelExports(root);
    }

    /** @param archive of the package that the manifest describes */
    public record Built(PackageManifest manifest, byte[] archive) {}

    /** What would be done, in sentences; asks nothing of the host but files. */
    public List<String> plan(SourcePackage source, KernelState kernel) throws IOException {
        String release = kernel.identity().release();
        List<String> steps = new ArrayList<>();
        steps.add("lay out " + source.conf().name() + " " + source.conf().version() + " below " + ScratchTree.PLACE);
        steps.add("compile one module that must build and one that must not, with the headers of " + release);
        if (SymbolMaps.isReadBy(source)) {
            steps.add("read kernel addresses from a usable symbol map of " + release);
        }
        steps.add("run dkms build there, for at most " + limit.toMinutes() + " minutes");
        steps.add("check vermagic, srcversion and recorded addresses of what came out");
        steps.add("remove " + ScratchTree.PLACE);
        return steps;
    }

    /**
     * @param order the decision that asks for it, where one does
     * @throws BuildFault where no package came of it
     */
    public Built build(SourcePackage source, KernelState kernel, HostId host, Optional<DecisionId> order, BuildLog log)
            throws IOException, InterruptedException {
        return dkms.locked(() -> {
            require(kernel);
            try (ScratchTree scratch = ScratchTree.of(root, source)) {
                return build(scratch, source, kernel, host, order, log);
            }
        });
    }

    private void require(KernelState kernel) throws BuildFault {
        String release = kernel.identity().release();
        if (!dkms.isThere()) {
            throw BuildFault.ofHost("Expected the DKMS tools on this host, but dkms is not installed. Install dkms");
        }
        if (kernel.identity().image().isEmpty()) {
            throw BuildFault.ofHost("Expected the image of kernel " + release
                    + " to be installed, for a module belongs to one image, but it is not. Install it");
        }
        if (!Files.exists(root.at("/lib/modules/" + release + "/build/Makefile"))) {
            throw BuildFault.ofHost("Expected the headers of kernel " + release + ", but they are not installed."
                    + " Install them ('kmodfleet-agent preflight' names the command)");
        }
    }

    private Built build(
            ScratchTree scratch,
            SourcePackage source,
            KernelState kernel,
            HostId host,
            Optional<DecisionId> order,
            BuildLog log)
            throws IOException, InterruptedException {
        String release = kernel.identity().release();
        String arch = kernel.identity().arch();
        String compiler = dkms.versionOf("gcc", "cc");
        toolchain
                .mismatch(release, compiler)
                .ifPresent(words -> LOG.warnf("compiler of another major version kernel=%s: %s", release, words));
        Optional<SymbolMaps.Offered> map = mapFor(source, kernel);
        List<Shown> shown = new ArrayList<>(map.map(SymbolMaps.Offered::shown).orElse(List.of()));
        shown.addAll(oneProcessor(source, scratch));
        Conditions conditions = new Conditions(limit, environment(scratch), shown, true);

        log.note("toolchain");
        Path probes = root.at(scratch.directory("probes.log"));
        Optional<String> fault =
                toolchain.fault(release, scratch, new Conditions(PROBE, Map.of(), List.of(), true), probes);
        if (fault.isPresent()) {
            log.add(Files.readString(probes, StandardCharsets.ISO_8859_1));
            throw BuildFault.ofHost(fault.get());
        }
        Outcome built;
        try (Closeable following =
                log.following(List.of(scratch.makeLogs(release, arch).get(0)))) {
            log.note("dkms add");
            check("add", dkms.addIn(scratch, source, conditions, log.file()), Optional.empty());
            log.note("dkms build");
            built = dkms.buildIn(scratch, source, release, arch, conditions, log.file());
        }
        Optional<String> makeLog = makeLog(scratch, release, arch);
        if (makeLog.isPresent()) {
            log.add("==> make.log\n" + makeLog.get());
        }
        check("build", built, makeLog);
        log.note("check");
        checkRecorded(scratch, map);
        return pack(scratch, source, kernel, host, order, compiler, log);
    }

    private Optional<SymbolMaps.Offered> mapFor(SourcePackage source, KernelState kernel)
            throws IOException, InterruptedException {
        if (!SymbolMaps.isReadBy(source)) {
            return Optional.empty();
        }
        String release = kernel.identity().release();
        Optional<SymbolMaps.Offered> map = maps.forBuild(kernel, root.at(ScratchTree.PLACE + "/boot"));
        if (map.isEmpty()) {
            throw BuildFault.ofHost("Expected a whole symbol map of kernel " + release + ", for "
                    + source.conf().name()
                    + " takes kernel addresses from it, but there is none that can be relied on."
                    + " Build on a host that runs this kernel and shows its symbols to root"
                    + " (sysctl kernel.kptr_restrict=1)");
        }
        if (!map.get().shown().isEmpty() && !programs.canShow()) {
            throw BuildFault.ofHost("Expected mount namespaces, to show the build a symbol map made from the running"
                    + " kernel, but this kernel or user does not have them. Run as root");
        }
        return map;
    }

    /**
     * Scripts that try out what compiles do so on every processor at once, and write what they find in the order in which it comes:
     * then the same source gives another {@code srcversion} each time. Shown one processor, they go one after the other; make is told
     * how many there are.
     */
    private List<Shown> oneProcessor(SourcePackage source, ScratchTree scratch) throws IOException {
        Path online = root.at("/sys/devices/system/cpu/online");
        boolean prepares = source.files().stream()
                .filter(file -> file.path().equals("dkms.conf"))
                .anyMatch(file -> new String(file.bytes(), StandardCharsets.ISO_8859_1).contains("PRE_BUILD"));
        if (!prepares || !programs.canShow() || !Files.isRegularFile(online)) {
            return List.of();
        }
        Path one = root.at(scratch.directory("one-processor"));
        Files.writeString(one, "0\n");
        return List.of(new Shown(one, online));
    }

    /** What makes equal inputs give equal bytes; dkms and kbuild hand it on to every compiler. */
    private Map<String, String> environment(ScratchTree scratch) {
        String prefixes = "-ffile-prefix-map=" + scratch.buildDirectory() + "=" + scratch.nameInModule();
        Map<String, String> variables = new HashMap<>();
        variables.put("KCFLAGS", prefixes);
        variables.put("KAFLAGS", prefixes);
        variables.put("KBUILD_BUILD_TIMESTAMP", "Sat Jan  1 00:00:00 UTC 2000");
        variables.put("KBUILD_BUILD_USER", "kmodfleet");
        variables.put("KBUILD_BUILD_HOST", "kmodfleet");
        variables.put("SOURCE_DATE_EPOCH", Long.toString(ScratchTree.TIME.getEpochSecond()));
        if (!dkms.hasSigningKey()) {
            // dkms would make a key of a hundred years and leave it lying on the host.
            variables.put("sign_file", "/nonexistent");
        }
        return variables;
    }

    private Optional<String> makeLog(ScratchTree scratch, String release, String arch) throws IOException {
        for (Path place : scratch.makeLogs(release, arch)) {
            if (Files.isRegularFile(place)) {
                return Optional.of(new String(Files.readAllBytes(place), StandardCharsets.UTF_8));
            }
        }
        return Optional.empty();
    }

    private void check(String action, Outcome outcome, Optional<String> makeLog) throws BuildFault {
        DkmsExit exit = DkmsExit.of(outcome.exitCode(), outcome.output() + makeLog.orElse(""));
        if (exit != DkmsExit.DONE && exit != DkmsExit.ALREADY) {
            String ended = outcome.exitCode() == Outcome.TIMED_OUT
                    ? " took more than " + limit.toMinutes() + " minutes and was ended"
                    : " exited with " + outcome.exitCode();
            throw new BuildFault(
                    exit.failureClass(),
                    Optional.of(outcome.exitCode()),
                    "dkms " + action + ended + ": " + DkmsExit.tellingLine(outcome.output(), makeLog));
        }
    }

    private void checkRecorded(ScratchTree scratch, Optional<SymbolMaps.Offered> map) throws IOException {
        List<String> headers = scratch.generatedHeaders()
                .orElseThrow(() -> BuildFault.ofHost("Expected the headers that the build generated, to check them, but"
                        + " they were not kept. A file of this module below /etc/dkms sets POST_BUILD; leave it out"));
        try {
            RecordedAddresses.in(headers).check(map.map(SymbolMaps.Offered::map));
        } catch (RecordedAddresses.Wrong e) {
            throw BuildFault.ofBuild(e.getMessage());
        }
    }

    private Built pack(
            ScratchTree scratch,
            SourcePackage source,
            KernelState kernel,
            HostId host,
            Optional<DecisionId> order,
            String compiler,
            BuildLog log)
            throws IOException, InterruptedException {
        BuildTarget target = new BuildTarget(
                source.digest(),
                kernel.identity().arch(),
                kernel.identity().release(),
                kernel.identity().image().orElseThrow());
        Optional<String> vermagic = kernels.vermagic(target.release());
        List<PackagedModule> modules = new ArrayList<>();
        List<byte[]> files = new ArrayList<>();
        for (Path path : scratch.built(target.release(), target.arch())) {
            byte[] file = Files.readAllBytes(path);
            modules.add(look(path, file, target, vermagic));
            files.add(file);
        }
        if (modules.isEmpty()) {
            throw BuildFault.ofBuild("dkms says that it built, but there is no module");
        }
        byte[] conf = source.confBytes();
        PackageManifest manifest = new PackageManifest(
                PackageManifest.FORMAT,
                source.conf().name(),
                source.conf().version(),
                target,
                kernel.identity(),
                modules,
                Digest.of(conf),
                compiler,
                dkms.versionOf("dkms"),
                host,
                order,
                log.digest(),
                clock.instant());
        return new Built(manifest, ModulePackage.write(manifest, conf, files));
    }

    static PackagedModule look(Path path, byte[] file, BuildTarget target, Optional<String> vermagic)
            throws BuildFault {
        ModuleFile found;
        try {
            found = ModuleFile.read(file);
        } catch (NotAModule e) {
            throw BuildFault.ofBuild(path.getFileName() + ": " + e.getMessage());
        }
        if (!found.info().release().equals(target.release())) {
            throw BuildFault.ofBuild("Expected a module for " + target.release() + ", but dkms built one for "
                    + found.info().release());
        }
        if (vermagic.isPresent() && !vermagic.get().equals(found.info().vermagic())) {
            throw BuildFault.ofBuild("Expected vermagic '" + vermagic.get() + "', as the kernel's own modules have it,"
                    + " but dkms built '" + found.info().vermagic() + "'. Do headers and kernel belong together?");
        }
        // kbuild writes it beside every version (modpost, add_srcversion); it leaves it out where it cannot read the
        // sources.
        if (found.info().version().isPresent() && found.info().srcversion().isEmpty()) {
            throw BuildFault.ofBuild("Expected a srcversion beside the version in " + path.getFileName()
                    + ", for a loaded module is known by it, but there is none");
        }
        return new PackagedModule(
                found.info().name(),
                "module/" + path.getFileName(),
                Digest.of(file),
                found.body(),
                found.info().vermagic(),
                found.info().srcversion());
    }
}
