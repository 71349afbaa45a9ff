package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.agent.host.KernelExports;
import io.kmodfleet.agent.install.Activation.InitramfsTool;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Installs what a person brought: a package, or one module file (the product guide's second way, 6.6). It comes from nobody that the
 * fleet knows, so everything that can be seen of it here must fit this very kernel. Nothing is ever unloaded.
 */
public final class FileInstall {

    private static final Pattern MODULE_FILE = Pattern.compile("[^/]+\\.ko(\\.(gz|xz|zst))?");

    private final HostRoot root;
    private final HostPrograms programs;
    private final Dkms dkms;
    private final Path state;
    private final KernelExports kernels;

    public FileInstall(HostRoot root, HostPrograms programs, Dkms dkms, Path state) {
        this.root = root;
        this.programs = programs;
        this.dkms = dkms;
        this.state = state;
        this.kernels = new KernelExports(root);
    }

    /**
     * A file that was read, and found to be what it should.
     *
     * @param module as dkms calls it
     * @param version of its source, where it says one
     * @param release of the kernel that it is for
     * @param target where a package says what it was built for
     */
    public record Brought(
            String module,
            Optional<String> version,
            String release,
            Digest digest,
            Optional<BuildTarget> target,
            List<PackagedModule> modules,
            List<byte[]> files) {
        public Brought {
            modules = List.copyOf(modules);
            files = List.copyOf(files);
        }

        /** What the agent remembers of it, where it came in a package. */
        public List<InstallRecord> records() {
            return target.map(built -> modules.stream()
                            .map(one -> new InstallRecord(one.body(), version.orElseThrow(), built, digest))
                            .toList())
                    .orElse(List.of());
        }
    }

    public static Brought read(Path file) throws IOException, Refusal {
        if (Files.size(file) > ModulePackage.MAX_BYTES) {
            throw new Refusal(
                    Rule.TOO_LARGE,
                    "Expected at most " + ModulePackage.MAX_BYTES + " bytes, but there are " + Files.size(file));
        }
        byte[] bytes = Files.readAllBytes(file);
        String name = file.getFileName().toString();
        if (!MODULE_FILE.matcher(name).matches()) {
            ModulePackage read = ModulePackage.read(bytes);
            return new Brought(
                    read.manifest().module(),
                    Optional.of(read.manifest().moduleVersion()),
                    read.manifest().target().release(),
                    read.digest(),
                    Optional.of(read.manifest().target()),
                    read.manifest().modules(),
                    read.moduleFiles());
        }
        try {
            ModuleFile module = ModuleFile.read(bytes);
            String stem = name.substring(0, name.indexOf(".ko"));
            if (!stem.replace('-', '_').equals(module.info().name())) {
                throw new Refusal(
                        Rule.NOT_A_MODULE,
                        "Expected module '" + stem + "' in " + name + ", but it calls itself '"
                                + module.info().name() + "'. Give the file its own name");
            }
            PackagedModule packaged = new PackagedModule(
                    module.info().name(),
                    "module/" + stem + module.compression().suffix(),
                    Digest.of(bytes),
                    module.body(),
                    module.info().vermagic(),
                    module.info().srcversion());
            return new Brought(
                    stem,
                    module.info().version(),
                    module.info().release(),
                    Digest.of(bytes),
                    Optional.empty(),
                    List.of(packaged),
                    List.of(bytes));
        } catch (NotAModule | IllegalArgumentException e) {
            throw new Refusal(Rule.NOT_A_MODULE, name + ": " + e.getMessage());
        }
    }

    /**
     * What would be done.
     *
     * @param kernel what the host has of the kernel, looked at just now
     */
    public List<String> plan(Brought brought, KernelState kernel) throws IOException, Refusal {
        List<String> sentences = new ArrayList<>(planned(brought, kernel).sentences());
        if (kernel.running()) {
            sentences.add("load " + brought.module() + ", unless a module of that name is loaded");
        }
        return sentences;
    }

    /**
     * @return why the running kernel refused it; empty where it did not, or does not run
     * @throws IOException where a step failed; then the host is as before
     */
    public Optional<String> install(Brought brought, KernelState kernel)
            throws IOException, InterruptedException, Refusal {
        InstallPlan plan = planned(brought, kernel);
        dkms.locked(() -> {
            StepRunner.Payload payload = new StepRunner.Payload(
                    brought.module() + " for kernel " + brought.release() + " from a file",
                    brought.modules(),
                    brought.files(),
                    Optional.empty());
            new StepRunner(root, programs, state, payload).run(plan);
            return null;
        });
        if (!kernel.running()) {
            return Optional.empty();
        }
        Loader loader = new Loader(root, programs);
        for (PackagedModule module : brought.modules()) {
            Optional<String> refused = loader.load(module.name());
            if (refused.isPresent()) {
                return refused;
            }
        }
        return Optional.empty();
    }

    private InstallPlan planned(Brought brought, KernelState kernel) throws IOException, Refusal {
        requireFit(brought, kernel);
        Optional<String> inDkms = versionInDkms(brought);
        List<String> initramfs = InitramfsTool.of(root)
                .filter(tool -> kernel.initramfs())
                .map(tool -> tool.rebuild(brought.release()))
                .orElse(List.of());
        InstallPlan.Present present = new InstallPlan.Present(
                inDkms.isPresent()
                        ? Optional.of(dkms.location(confOf(brought.module(), inDkms.get())))
                        : Optional.empty(),
                false,
                ModuleFiles.named(root, brought.release()),
                initramfs);
        return InstallPlan.of(
                brought.module(),
                inDkms.or(brought::version).orElse("0"),
                kernel.identity().arch(),
                brought.modules(),
                brought.release(),
                present);
    }

    private void requireFit(Brought brought, KernelState kernel) throws IOException, Refusal {
        String release = kernel.identity().release();
        if (!brought.release().equals(release)) {
            throw new Refusal(
                    Rule.WRONG_KERNEL,
                    "Expected a module for kernel " + release + ", but this one was built for " + brought.release());
        }
        if (brought.target().isPresent() && !brought.target().get().isFor(kernel.identity())) {
            throw new Refusal(
                    Rule.WRONG_KERNEL,
                    "Expected a package for the image of kernel " + release
                            + " that is installed here, but it was built" + " for another image of that release");
        }
        Optional<String> vermagic = kernels.vermagic(release);
        for (int i = 0; i < brought.modules().size(); i++) {
            PackagedModule module = brought.modules().get(i);
            if (vermagic.isPresent() && !vermagic.get().equals(module.vermagic())) {
                throw new Refusal(
                        Rule.WRONG_KERNEL,
                        "Expected vermagic '" + vermagic.get().strip() + "', as the modules of kernel " + release
                                + " have it, but " + module.name() + " has '"
                                + module.vermagic().strip() + "'");
            }
            requireOutOfTree(module.name(), release);
            requireSymbols(brought.files().get(i), kernel);
        }
    }

    /** A file in updates goes before the kernel's own: with another name for {@code ext4} one would own every file system. */
    private void requireOutOfTree(String module, String release) throws IOException, Refusal {
        for (String list : List.of("modules.dep", "modules.builtin")) {
            Path file = root.at("/lib/modules/" + release + "/" + list);
            if (!Files.isRegularFile(file)) {
                continue;
            }
            try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
                boolean own = lines.map(line -> line.contains(":") ? line.substring(0, line.indexOf(':')) : line)
                        .filter(path -> path.startsWith("kernel/"))
                        .anyMatch(path -> ModuleFiles.moduleOf(path).equals(module));
                if (own) {
                    throw new Refusal(
                            Rule.NOT_A_MODULE,
                            "Expected a module that is none of the kernel's own, but kernel " + release + " has a '"
                                    + module + "' itself, which this one would take the place of");
                }
            }
        }
    }

    private void requireSymbols(byte[] file, KernelState kernel) throws Refusal {
        try {
            ModuleFile module = ModuleFile.read(file);
            if (!module.arch().equals(Optional.of(kernel.identity().arch()))) {
                throw new Refusal(
                        Rule.WRONG_KERNEL,
                        "Expected a module for " + kernel.identity().arch() + ", but it is for "
                                + module.arch().orElse("another machine"));
            }
            if (module.info().values().containsKey("intree")) {
                throw new Refusal(
                        Rule.NOT_A_MODULE, "Expected a module built out of the kernel's tree, but it says 'intree'");
            }
            Optional<String> misfit = module.needs().isPresent()
                    ? kernels.misfit(module, kernel.identity().release())
                    : Optional.empty();
            if (misfit.isPresent()
                    && kernels.vermagic(kernel.identity().release()).isPresent()) {
                throw new Refusal(Rule.WRONG_KERNEL, "Expected a module that fits this kernel, but " + misfit.get());
            }
        } catch (NotAModule e) {
            throw new Refusal(Rule.NOT_A_MODULE, e.getMessage());
        }
    }

    /**
     * The version by which dkms knows the module; absent where it does not.
     *
     * @throws Refusal where dkms knows another version only: its autoinstall would fail with the file, and a kernel's package with it
     */
    private Optional<String> versionInDkms(Brought brought) throws IOException, Refusal {
        List<String> known = dkms.isThere() ? dkms.versionsOf(brought.module()) : List.of();
        if (known.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> same = brought.version().filter(known::contains);
        if (same.isEmpty()) {
            throw new Refusal(
                    Rule.WRONG_SOURCE,
                    String.format(
                            Locale.ROOT,
                            "Expected version %s of %s, which dkms has here, but the file is of version %s. Remove the"
                                    + " others first: dkms remove -m %s -v %s --all",
                            String.join(" or ", known),
                            brought.module(),
                            brought.version().orElse("(none)"),
                            brought.module(),
                            known.get(0)));
        }
        return same;
    }

    private byte[] confOf(String module, String version) throws IOException {
        Path conf = root.at("/var/lib/dkms/" + module + "/" + version + "/source/dkms.conf");
        return Files.isRegularFile(conf) ? Files.readAllBytes(conf) : new byte[0];
    }
}
