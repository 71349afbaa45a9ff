package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What is there and what was answered; asks nobody, so it works without a network. */
@Command(name = "status", description = "Show the kernels of this host, their modules, and the answers that stand.")
final class StatusCommand implements Callable<Integer> {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    @Mixin
    private HostOptions host;

    /** What {@code -o json} prints. */
    record Status(HostId host, HostReport report, List<Standing> decisions, long unacknowledged) {}

    @Override
    public Integer call() throws IOException {
        Path state = host.state();
        AgentMemory memory = AgentMemory.open(state);
        HostInspector inspector = new HostInspector(
                host.root(), false, Optional.of(state), memory::installed, host.labels(), Consent.in(state)::isGiven);
        Status status = new Status(inspector.hostId(), inspector.inspect(), memory.standing(), waitingIn(state));
        if (host.isJson()) {
            System.out.println(FleetJson.write(status));
        } else {
            print(status);
        }
        return 0;
    }

    private static void print(Status status) {
        System.out.println("host " + status.host() + " (" + status.report().hostname() + ", "
                + status.report().os().prettyName() + ")");
        System.out.printf(
                "%n%-28s %-8s %-6s %-8s %-24s %s%n", "KERNEL", "RUNNING", "IMAGE", "HEADERS", "MODULE", "FILE");
        for (KernelState kernel : status.report().kernels()) {
            List<InstalledModule> modules = kernel.modules();
            String left = String.format(
                    "%-28s %-8s %-6s %-8s",
                    kernel.identity().release(),
                    yes(kernel.running()),
                    yes(kernel.identity().image().isPresent()),
                    yes(kernel.headersInstalledAt().isPresent()));
            if (modules.isEmpty()) {
                System.out.println(left + " –");
            }
            for (InstalledModule module : modules) {
                String name = module.name()
                        + module.version().map(version -> " " + version).orElse("");
                System.out.printf("%s %-24s %s%s%n", left, name, module.file(), module.loaded() ? " (loaded)" : "");
            }
        }
        System.out.println();
        if (status.decisions().isEmpty()) {
            System.out.println("No answer of the coordinator yet.");
        }
        for (Standing standing : status.decisions()) {
            System.out.println(Answers.lineOf(standing.decision()) + ", since "
                    + TIME.format(standing.since().atZone(ZoneId.systemDefault())));
            Answers.remediesOf(standing.decision()).forEach(remedy -> System.out.println("    " + remedy));
        }
        if (status.unacknowledged() > 0) {
            System.out.println(status.unacknowledged() + " observations wait for the coordinator's acknowledgement.");
        }
    }

    /** Without opening the journal, which a running agent holds: each line but the first is an observation. */
    private static long waitingIn(Path state) throws IOException {
        Path journal = state.resolve("journal");
        if (Files.notExists(journal)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(journal, StandardCharsets.ISO_8859_1)) {
            return Math.max(0, lines.count() - 1);
        }
    }

    private static String yes(boolean value) {
        return value ? "yes" : "no";
    }
}
