package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.agent.host.BlockDevice;
import io.kmodfleet.agent.host.DkmsEntry;
import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What is there and what was answered; asks nobody, so it works without a network. */
@Command(
        name = "status",
        description = {
            "Show whether this host may be rebooted, its kernels, their modules, its devices, and the answers that stand.",
            "Asks nobody, so it works without a network."
        })
final class StatusCommand implements Callable<Integer> {

    @Mixin
    private HostOptions host;

    /** What {@code -o json} prints. */
    record Status(
            HostId host,
            HostReport report,
            RebootSafety reboot,
            HostDetail detail,
            List<Standing> decisions,
            long unacknowledged) {}

    @Override
    public Integer call() throws IOException {
        Path state = host.stateToRead();
        Optional<AgentMemory> memory = memoryIn(state);
        HostInspector inspector =
                host.inspector(() -> memory.map(AgentMemory::installed).orElse(Map.of()));
        HostReport report = inspector.inspect();
        List<Standing> standing = memory.map(AgentMemory::standing).orElse(List.of());
        Status status = new Status(
                inspector.hostId(),
                report,
                reboot(report, memory),
                inspector.detail(report, modulesOf(standing)),
                standing,
                waitingIn(state));
        if (host.isJson()) {
            System.out.println(FleetJson.write(status));
        } else {
            print(status, Screen.of(false));
        }
        return 0;
    }

    /** Empty where it cannot be read: what the host has is shown all the same. */
    private static Optional<AgentMemory> memoryIn(Path state) {
        try {
            return Optional.of(AgentMemory.open(state));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private RebootSafety reboot(HostReport report, Optional<AgentMemory> memory) {
        if (host.isStateHidden()) {
            return RebootSafety.unknown("what the agent was answered is for root only; run this as root");
        }
        return memory.map(known -> RebootSafety.of(report, known.standing(), host.makesInitramfs()))
                .orElseGet(() ->
                        RebootSafety.unknown("the agent's memory cannot be read; 'kmodfleet-agent doctor' says why"));
    }

    /** As the kernel calls them. */
    static Set<String> modulesOf(List<Standing> standing) {
        return standing.stream()
                .map(answer -> answer.decision().subject().module().replace('-', '_'))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static void print(Status status, Screen screen) {
        HostReport report = status.report();
        screen.line(report.hostname() + ", " + report.os().prettyName() + ", host " + status.host());
        screen.line("", status.reboot().sentence());
        screen.blank();
        printKernels(report, screen);
        protections(report, status.detail()).ifPresent(screen::line);
        screen.blank();
        printModules(status, screen);
        printDevices(status.detail().devices(), screen);
        screen.blank();
        printAnswers(status, screen);
    }

    private static void printKernels(HostReport report, Screen screen) {
        if (report.kernels().isEmpty()) {
            screen.line("No kernel is installed below /boot or /lib/modules.");
            return;
        }
        Table table = new Table("KERNEL", "", "IMAGE", "HEADERS", "SYMBOL MAP", "INITRAMFS");
        for (KernelState kernel : report.kernels()) {
            String runs = kernel.running() ? "runs" : "";
            String next = kernel.nextBoot().orElse(false) ? "boots next" : "";
            table.row(
                    kernel.identity().release(),
                    runs + (runs.isEmpty() || next.isEmpty() ? "" : ", ") + next,
                    yes(kernel.identity().image().isPresent()),
                    yes(kernel.headersInstalledAt().isPresent()),
                    kernel.symbolMap().name().toLowerCase(Locale.ROOT),
                    yes(kernel.initramfs()));
        }
        print(table, screen);
    }

    private static Optional<String> protections(HostReport report, HostDetail detail) {
        Optional<String> boot = report.secureBoot()
                .map(SecureBoot::enabled)
                .map(on -> on
                        ? "Secure Boot is on ("
                                + report.secureBoot().get().enrolledKeys().size() + " keys enrolled)"
                        : "Secure Boot is off");
        Optional<String> lockdown = detail.lockdown().map(mode -> "kernel lockdown: " + mode);
        return boot.isEmpty() && lockdown.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        Stream.of(boot, lockdown).flatMap(Optional::stream).collect(Collectors.joining(", ")));
    }

    private static void printModules(Status status, Screen screen) {
        Table table = new Table("MODULE", "KERNEL", "STATE", "INITRAMFS");
        boolean any = false;
        for (KernelState kernel : status.report().kernels()) {
            for (InstalledModule module : kernel.modules()) {
                any = true;
                table.row(
                        nameOf(module),
                        kernel.identity().release(),
                        module.loaded() ? "loaded" : "installed",
                        module.inInitramfs().map(StatusCommand::yes).orElse("not known"));
            }
        }
        for (DkmsEntry entry : status.detail().dkms()) {
            if (entry.state() != DkmsEntry.State.INSTALLED || entry.fault().isPresent()) {
                any = true;
                table.row(
                        entry.module() + " " + entry.version(),
                        entry.release().orElse("–"),
                        entry.fault().isPresent() ? "half done" : stateOf(entry),
                        "–");
            }
        }
        if (!any) {
            screen.line("No out-of-tree module is installed, and dkms knows none.");
            return;
        }
        print(table, screen);
        for (KernelState kernel : status.report().kernels()) {
            kernel.modules()
                    .forEach(module -> screen.line(
                            "  ",
                            module.file() + ", "
                                    + signed(module, status.detail().signers())));
        }
        status.detail().dkms().stream()
                .filter(entry -> entry.fault().isPresent())
                .forEach(entry -> screen.line(
                        "! " + entry.name() + ": " + entry.fault().get() + ". See 'kmodfleet-agent doctor'."));
        status.detail().loaded().forEach(loaded -> screen.line("", lineOf(loaded)));
    }

    private static String lineOf(HostDetail.Loaded loaded) {
        String users = loaded.users()
                .map(count -> count == 0 ? ", not in use" : ", in use (" + count + ")")
                .orElse("");
        return loaded.file()
                .map(file -> "  " + loaded.name() + " is loaded from " + file + users)
                .orElse("! " + loaded.name() + " is loaded, but from none of these files: it was replaced since" + users
                        + ". The new one serves after the next boot.");
    }

    private static String stateOf(DkmsEntry entry) {
        return switch (entry.state()) {
            case ADDED -> "known to dkms";
            case BUILT -> "built";
            case INSTALLED -> "installed";
            case BROKEN -> "half done";
        };
    }

    private static String nameOf(InstalledModule module) {
        return module.name() + module.version().map(version -> " " + version).orElse("");
    }

    private static String signed(InstalledModule module, Map<String, String> names) {
        return module.signer()
                .map(key -> "signed by " + names.getOrDefault(key, "key " + key))
                .orElse("not signed");
    }

    private static void printDevices(List<BlockDevice> devices, Screen screen) {
        if (devices.isEmpty()) {
            return;
        }
        screen.blank();
        // The product guide's table, 3.2.
        Table table = new Table("Device", "Type", "Mount", "Free", "Used", "Sync", "Path");
        for (BlockDevice device : devices) {
            table.row(
                    device.device(),
                    device.type(),
                    device.mount(),
                    size(device.freeBytes()),
                    device.usedPercent() + "%",
                    device.synced() ? "Yes" : "No",
                    device.path());
        }
        print(table, screen);
        screen.line("Sync: Yes where dattobd is loaded and tracks the changes of that device.");
    }

    /** As df -h: powers of 1024, one digit behind the point below ten. */
    static String size(long bytes) {
        String units = "BKMGTPE";
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length() - 1) {
            value /= 1024;
            unit++;
        }
        String number = unit > 0 && value < 10
                ? String.format(Locale.ROOT, "%.1f", value)
                : String.valueOf((long) Math.floor(value));
        return number + units.charAt(unit);
    }

    private static void printAnswers(Status status, Screen screen) {
        if (status.decisions().isEmpty()) {
            screen.line("No answer of the coordinator is known here.");
        }
        for (Standing standing : status.decisions()) {
            boolean awaited = !(standing.decision() instanceof Decision.Keep)
                    && !(standing.decision() instanceof Decision.Reject);
            screen.line("", Answers.lineOf(standing.decision()));
            screen.line("    " + (awaited ? "awaited since " : "since ") + time(standing.since()) + " ("
                    + ago(Duration.between(standing.since(), Instant.now())) + ")");
            Answers.remediesOf(standing.decision()).forEach(remedy -> screen.line("    ", remedy));
        }
        if (status.unacknowledged() > 0) {
            screen.line(status.unacknowledged()
                    + (status.unacknowledged() == 1 ? " observation waits" : " observations wait")
                    + " for the coordinator's acknowledgement.");
        }
    }

    private static void print(Table table, Screen screen) {
        List<String> lines = table.lines();
        screen.heading(lines.get(0));
        lines.subList(1, lines.size()).forEach(screen::line);
    }

    private static String time(Instant at) {
        return Screen.TIME.format(at.atZone(ZoneId.systemDefault()));
    }

    static String ago(Duration past) {
        if (past.toSeconds() < 60) {
            return "just now";
        }
        if (past.toMinutes() < 60) {
            return past.toMinutes() + " min ago";
        }
        return past.toHours() < 48 ? past.toHours() + " h ago" : past.toDays() + " days ago";
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
