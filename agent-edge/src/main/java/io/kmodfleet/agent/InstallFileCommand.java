package io.kmodfleet.agent;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.FileInstall;
import io.kmodfleet.agent.install.FileInstall.Brought;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The product guide's second way for a host that cannot build (6.6): a file that a person copied there. */
@Command(
        name = "install-file",
        description = {
            "Install a module file or a package that was built for this very kernel; needs neither coordinator nor store.",
            "A module in use is never unloaded: the new one takes effect at the next boot."
        })
final class InstallFileCommand implements Callable<Integer> {

    @Mixin
    private HostOptions host;

    @Parameters(paramLabel = "FILE", description = "A module (.ko, .ko.gz, .ko.xz, .ko.zst) or a package (.tar.gz).")
    private Path file;

    @Option(
            names = "--kernel",
            paramLabel = "RELEASE",
            description = "The kernel that it must be for (default: the one that it says).")
    private Optional<String> kernel;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask.")
    private boolean yes;

    @Option(names = "--dry-run", description = "Say what would be done, and do nothing.")
    private boolean dryRun;

    /** What {@code -o json} prints. */
    record Result(int exitCode, String outcome, List<String> plan) {}

    @Override
    public Integer call() throws Exception {
        Screen screen = Screen.of(host.isJson());
        Result result;
        try {
            result = run(screen);
        } catch (Refusal e) {
            result = new Result(AgentCommand.REFUSED, e.evidence() + ". Nothing was changed.", List.of());
        }
        if (host.isJson()) {
            System.out.println(FleetJson.write(result));
        }
        if (dryRun) {
            result.plan().forEach(step -> screen.info("would " + step));
        }
        if (result.exitCode() == 0) {
            screen.success(result.outcome());
        } else {
            screen.error(result.outcome());
        }
        return result.exitCode();
    }

    private Result run(Screen screen) throws IOException, InterruptedException, Refusal {
        if (!Files.isRegularFile(file)) {
            throw new Trouble("Expected a module or a package, but " + file + " is no file.");
        }
        Brought brought = FileInstall.read(file);
        HostRoot root = host.root();
        KernelState chosen = chosen(brought);
        HostPrograms programs = new HostPrograms(root);
        FileInstall installing = new FileInstall(root, programs, new Dkms(root, programs, host.state()), host.state());
        List<String> plan = installing.plan(brought, chosen);
        String what = brought.module() + " for kernel " + brought.release();
        if (dryRun) {
            return new Result(0, "Nothing was done.", plan);
        }
        if (!yes && !screen.agrees("Install " + what + " from " + file + "? (y/n) [n]: ")) {
            return new Result(AgentCommand.REFUSED, "Nothing was changed. Give --yes where nobody can answer.", plan);
        }
        Files.createDirectories(host.state());
        Optional<String> refused = installing.install(brought, chosen);
        remember(brought);
        return refused.map(why -> new Result(
                        AgentCommand.FAILED, what + " is installed, but the kernel does not take it: " + why, plan))
                .orElseGet(() -> new Result(0, "Installed " + what + ".", plan));
    }

    private KernelState chosen(Brought brought) throws Refusal {
        HostReport report = host.inspector(Map::of).inspect();
        String wanted = kernel.orElse(brought.release());
        return report.kernel(wanted)
                .orElseThrow(() -> new Refusal(
                        Rule.WRONG_KERNEL,
                        "Expected kernel " + wanted + " to be installed here, for "
                                + (kernel.isPresent() ? "--kernel names it" : file.getFileName() + " was built for it")
                                + ", but there are: "
                                + String.join(
                                        ", ",
                                        report.kernels().stream()
                                                .map(state -> state.identity().release())
                                                .toList())));
    }

    /** So that the agent knows the package; one that runs keeps its own memory, and looks at the host again. */
    private void remember(Brought brought) throws IOException {
        try (FileChannel channel = FileChannel.open(
                        host.state().resolve("agent.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock != null && !brought.records().isEmpty()) {
                AgentMemory.open(host.state()).installed(brought.records());
            }
        }
    }
}
