package io.kmodfleet.agent;

import io.kmodfleet.agent.UninstallPlan.KernelFile;
import io.kmodfleet.agent.UninstallPlan.Owned;
import io.kmodfleet.agent.UninstallPlan.Step;
import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.host.DkmsEntry;
import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelWatch;
import io.kmodfleet.agent.install.Leftovers;
import io.kmodfleet.agent.install.Leftovers.Leftover;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Takes from a host what the agent put there. The program itself is taken away by what installed it. */
@Command(
        name = "uninstall",
        description = {
            "Leave this host as it was: take away the modules that the agent installed, its dkms entries, listings and state.",
            "Never unloads a module. The program itself is removed by the package manager that installed it."
        })
final class UninstallCommand implements Callable<Integer> {

    private static final Duration LIMIT = Duration.ofMinutes(15);
    private static final String MARK = "kmodfleet";

    @Mixin
    private HostOptions host;

    @Option(
            names = "--packages-dir",
            paramLabel = "DIR",
            defaultValue = "/root/dattobd_dkms_build_pacakges",
            description = "Where copies of built packages were left (default: ${DEFAULT-VALUE}).")
    private Path packages;

    @Option(names = "--keep-modules", description = "Leave the modules that the agent installed.")
    private boolean keepModules;

    @Option(names = "--delete-copies", description = "Delete the copies of built packages, too.")
    private boolean deleteCopies;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask.")
    private boolean yes;

    @Option(names = "--dry-run", description = "Say what would be done, and change nothing.")
    private boolean dryRun;

    /** What {@code -o json} prints. */
    record Removal(boolean done, List<Removed> steps, List<String> remarks) {}

    /** @param error why it was not done; absent where it was, or was not tried */
    record Removed(String step, Optional<String> error) {}

    @Override
    public Integer call() throws Exception {
        HostRoot root = host.root();
        Path state = host.state();
        if (StateCheck.of(state).agentRuns()) {
            throw new Trouble(
                    "Expected no agent to run here, but one does. Stop it first:" + " systemctl stop kmodfleet-agent");
        }
        if (!dryRun && !"root".equals(System.getProperty("user.name"))) {
            throw new Trouble("Expected to run as root, for what the agent installed is root's. Run it with sudo.");
        }
        List<String> remarks = new ArrayList<>();
        UninstallPlan plan = UninstallPlan.of(owned(root, state, remarks), keepModules);
        remarks.addAll(plan.remarks());
        Screen screen = Screen.of(host.isJson());
        if (plan.steps().isEmpty()) {
            return end(new Removal(true, List.of(), remarks), screen, "Nothing of the agent is on this host.");
        }
        if (dryRun || !yes) {
            screen.info(dryRun ? "Would be done:" : "To be done:");
            plan.steps().forEach(step -> screen.info("  " + step.words()));
            remarks.forEach(screen::info);
        }
        if (dryRun) {
            if (host.isJson()) {
                System.out.println(FleetJson.write(new Removal(
                        false,
                        plan.steps().stream()
                                .map(step -> new Removed(step.words(), Optional.empty()))
                                .toList(),
                        remarks)));
            }
            return 0;
        }
        if (!yes && (host.isJson() || !screen.agrees("Do that now? (y/n) [n]: "))) {
            throw new Trouble("Nothing was done. Run it with --yes to agree beforehand.");
        }
        Hangup.survive();
        return run(plan, root, state, remarks, screen);
    }

    /** What fails keeps the state, so that another try still knows what is the agent's. */
    private int run(UninstallPlan plan, HostRoot root, Path state, List<String> remarks, Screen screen)
            throws InterruptedException {
        HostPrograms programs = new HostPrograms(root);
        List<Removed> removed = new ArrayList<>();
        boolean failed = false;
        for (Step step : plan.steps()) {
            boolean isState =
                    step instanceof Step.Delete delete && root.at(delete.path()).equals(state);
            Optional<String> error = failed && isState
                    ? Optional.of("kept, for something before it failed")
                    : run(step, root, state, programs);
            failed |= error.isPresent();
            removed.add(new Removed(step.words(), error));
            if (error.isPresent()) {
                screen.error(step.words() + ": " + error.get());
            } else {
                screen.info(step.words());
            }
        }
        return end(
                new Removal(!failed, removed, remarks),
                screen,
                failed ? "Something was left where it was; mend it and run this again." : "The host is as it was.");
    }

    private int end(Removal removal, Screen screen, String outcome) {
        if (host.isJson()) {
            System.out.println(FleetJson.write(removal));
        }
        removal.remarks().forEach(screen::info);
        if (removal.done()) {
            screen.success(outcome);
        } else {
            screen.error(outcome);
        }
        return removal.done() ? 0 : AgentCommand.SOMETHING_LEFT;
    }

    private static Optional<String> run(Step step, HostRoot root, Path state, HostPrograms programs)
            throws InterruptedException {
        try {
            if (step instanceof Step.RemoveFromDkms remove) {
                Dkms dkms = new Dkms(root, programs, state);
                return failure(dkms.locked(() -> programs.run(LIMIT, remove.line())));
            } else if (step instanceof Step.Run run) {
                return root.program(run.line().get(0)).isEmpty()
                        ? Optional.empty()
                        : failure(programs.run(LIMIT, run.line()));
            } else if (step instanceof Step.Delete delete) {
                Trees.delete(root.at(delete.path()));
            } else if (step instanceof Step.MendLeftovers) {
                List<Leftover> left = new Leftovers(root, programs, state).mend();
                return left.stream().findFirst().map(Leftover::words);
            } else if (step instanceof Step.GiveBackToDkms) {
                new Dkms(root, programs, state).giveBack();
            } else if (step instanceof Step.DeleteState delete) {
                Trees.delete(delete.directory());
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(CommandLineSetup.sentenceOf(e));
        }
    }

    private static Optional<String> failure(Outcome outcome) {
        return outcome.isSuccess()
                ? Optional.empty()
                : Optional.of("exited with " + outcome.exitCode() + ", " + outcome.lastLine());
    }

    private Owned owned(HostRoot root, Path state, List<String> remarks) {
        Set<Digest> bodies;
        try {
            bodies = AgentMemory.open(state).installed().keySet();
        } catch (IOException e) {
            bodies = Set.of();
            remarks.add("What the agent remembers cannot be read, so the modules that it installed stay: "
                    + CommandLineSetup.sentenceOf(e));
        }
        HostInspector inspector = host.inspector(Map::of);
        HostReport report = inspector.inspect();
        HostDetail detail = inspector.detail(report, Set.of());
        List<Step.RemoveFromDkms> builds = new ArrayList<>();
        Set<String> names = new TreeSet<>();
        for (DkmsEntry entry : detail.dkms()) {
            if (entry.release().isPresent() && isOwn(root, entry, bodies, names)) {
                builds.add(new Step.RemoveFromDkms(
                        entry.module(),
                        entry.version(),
                        entry.release().get(),
                        entry.arch().orElseThrow()));
            }
        }
        Set<String> ofDkms = detail.dkms().stream()
                .filter(entry -> entry.state() == DkmsEntry.State.INSTALLED)
                .map(entry -> entry.release().orElse(""))
                .collect(Collectors.toCollection(TreeSet::new));
        List<KernelFile> files = new ArrayList<>();
        for (KernelState kernel : report.kernels()) {
            String release = kernel.identity().release();
            for (InstalledModule module : kernel.modules()) {
                boolean byDkms =
                        builds.stream().anyMatch(build -> build.release().equals(release))
                                && ofDkms.contains(release)
                                && module.file().contains("/dkms/");
                if (bodies.contains(module.body())) {
                    names.add(module.name());
                    if (!byDkms) {
                        files.add(new KernelFile(release, module.file()));
                    }
                }
            }
        }
        return new Owned(
                builds,
                sources(root, detail.dkms(), builds),
                files,
                marked(root, "/etc/dkms", "*.conf"),
                listings(root),
                leftovers(root, state),
                existing(root, List.of(root.nameOf(root.at(KernelWatch.SIGN).getParent()))),
                detail.loaded().stream()
                        .map(HostDetail.Loaded::name)
                        .filter(names::contains)
                        .collect(Collectors.toCollection(TreeSet::new)),
                initramfs(root),
                report.kernels().stream()
                        .filter(KernelState::initramfs)
                        .map(kernel -> kernel.identity().release())
                        .toList(),
                isHoldingBack(root, state),
                Optional.of(state).filter(Files::exists),
                Optional.of(packages.toString()).filter(path -> deleteCopies && Files.isDirectory(root.at(path))));
    }

    private static boolean isHoldingBack(HostRoot root, Path state) {
        try {
            return !new Dkms(root, new HostPrograms(root), state).heldBack().isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isOwn(HostRoot root, DkmsEntry entry, Set<Digest> bodies, Set<String> names) {
        String place = "/var/lib/dkms/" + entry.module() + "/" + entry.version() + "/"
                + entry.release().orElseThrow() + "/" + entry.arch().orElseThrow() + "/module";
        boolean own = false;
        for (Path file : list(root.at(place), "*.ko*")) {
            try {
                ModuleFile module = ModuleFile.read(Files.readAllBytes(file));
                if (bodies.contains(module.body())) {
                    own = true;
                    names.add(module.info().name());
                }
            } catch (IOException | NotAModule e) {
                // Nothing of ours.
            }
        }
        return own;
    }

    private static List<String> sources(HostRoot root, List<DkmsEntry> all, List<Step.RemoveFromDkms> builds) {
        Set<String> sources = new TreeSet<>();
        for (Step.RemoveFromDkms build : builds) {
            boolean others = all.stream()
                    .anyMatch(entry -> entry.module().equals(build.module())
                            && entry.version().equals(build.version())
                            && entry.release().isPresent()
                            && builds.stream()
                                    .noneMatch(own -> own.module().equals(entry.module())
                                            && own.version().equals(entry.version())
                                            && entry.release().equals(Optional.of(own.release()))
                                            && entry.arch().equals(Optional.of(own.arch()))));
            String place = "/usr/src/" + build.module() + "-" + build.version();
            if (!others && Files.isDirectory(root.at(place)) && !isOfPackage(root, place + "/dkms.conf")) {
                sources.add(place);
            }
        }
        return List.copyOf(sources);
    }

    private static boolean isOfPackage(HostRoot root, String path) {
        for (Path list : list(root.at("/var/lib/dpkg/info"), "*.list")) {
            try (Stream<String> lines = Files.lines(list, StandardCharsets.ISO_8859_1)) {
                if (lines.anyMatch(path::equals)) {
                    return true;
                }
            } catch (IOException | java.io.UncheckedIOException e) {
                return true;
            }
        }
        if (root.program("rpm").isEmpty()) {
            return false;
        }
        try {
            return new HostPrograms(root)
                    .run(LIMIT, List.of("rpm", "-qf", path))
                    .isSuccess();
        } catch (IOException e) {
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private static List<String> leftovers(HostRoot root, Path state) {
        try {
            return Files.exists(state)
                    ? new Leftovers(root, new HostPrograms(root), state)
                            .find().stream().map(Leftover::where).toList()
                    : List.of();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static List<String> listings(HostRoot root) {
        List<String> found = new ArrayList<>();
        for (String directory : List.of("/usr/share/initramfs-tools/modules.d", "/etc/dracut.conf.d")) {
            list(root.at(directory), MARK + "-*").forEach(file -> found.add(root.nameOf(file)));
        }
        return found;
    }

    /** Files that say in their first line who wrote them. */
    private static List<String> marked(HostRoot root, String directory, String glob) {
        List<String> found = new ArrayList<>();
        for (Path file : list(root.at(directory), glob)) {
            try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
                if (lines.findFirst()
                        .orElse("")
                        .toLowerCase(java.util.Locale.ROOT)
                        .contains(MARK)) {
                    found.add(root.nameOf(file));
                }
            } catch (IOException | java.io.UncheckedIOException e) {
                // Not ours, as far as can be seen.
            }
        }
        return found;
    }

    private static List<String> existing(HostRoot root, List<String> paths) {
        return paths.stream()
                .filter(path -> Files.exists(root.at(path), LinkOption.NOFOLLOW_LINKS))
                .toList();
    }

    private static Optional<List<String>> initramfs(HostRoot root) {
        if (root.program("update-initramfs").isPresent()) {
            return Optional.of(List.of("update-initramfs", "-u", "-k"));
        }
        return root.program("dracut").map(any -> List.of("dracut", "-f", "--kver"));
    }

    private static List<Path> list(Path directory, String glob) {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, glob)) {
            files.forEach(found::add);
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        found.sort(Comparator.naturalOrder());
        return found;
    }
}
