package io.kmodfleet.agent;

import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.KernelPackage;
import io.kmodfleet.agent.host.PackageManager;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Compiler;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.contracts.wire.FleetJson;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whether a module could be built here; asks nobody. */
@Command(
        name = "preflight",
        description = {
            "Check what building a module for a kernel needs, and say how to supply what is missing.",
            "Asks nobody, so it works without a network. 'install --install-dependencies' runs what it names."
        })
final class PreflightCommand implements Callable<Integer> {

    @Mixin
    private HostOptions host;

    @Option(
            names = "--kernel",
            paramLabel = "RELEASE",
            description = "Only this kernel (default: every installed one).")
    private Optional<String> kernel;

    /**
     * What {@code -o json} prints for each kernel.
     *
     * @param installed its packages that had been installed
     */
    record Result(String release, boolean canBuild, List<Item> checks, List<KernelPackage> installed) {}

    /**
     * One thing that was looked at.
     *
     * @param needed whether nothing can be built without; else it is advice
     * @param found what was seen, in words
     * @param remedy what mends it; empty where it passed
     */
    record Item(String piece, boolean passed, boolean needed, String found, String remedy) {

        static Item of(Check check) {
            return new Item(check.piece().name(), check.passed(), true, check.found(), check.remedy());
        }
    }

    @Override
    public Integer call() {
        HostInspector inspector = host.inspector(Map::of);
        HostReport report = inspector.inspect();
        HostDetail detail = inspector.detail(report, Set.of());
        PackageManager manager = inspector.packageManager(report);
        List<Result> results = report.kernels().stream()
                .filter(state -> kernel.map(state.identity().release()::equals).orElse(true))
                .map(state -> resultOf(report, state, manager, detail))
                .toList();
        if (results.isEmpty()) {
            throw new Trouble(kernel.map(name -> "Expected kernel " + Screen.plain(name)
                            + " to be installed, but it is not. " + others(report))
                    .orElse("Expected an installed kernel below /boot or /lib/modules, but there is none."));
        }
        if (host.isJson()) {
            System.out.println(FleetJson.write(results));
        } else {
            Screen screen = Screen.of(false);
            results.forEach(result -> print(result, screen));
        }
        return results.stream().allMatch(Result::canBuild) ? 0 : AgentCommand.FAILED;
    }

    private static String others(HostReport report) {
        return report.kernels().isEmpty()
                ? "No other is there either."
                : "There are: "
                        + report.kernels().stream()
                                .map(state -> state.identity().release())
                                .collect(Collectors.joining(", "))
                        + ".";
    }

    static Result resultOf(HostReport report, KernelState kernel, PackageManager manager, HostDetail detail) {
        List<Item> items = new ArrayList<>();
        Stream.concat(report.checks().stream(), kernel.checks().stream())
                .map(Item::of)
                .forEach(items::add);
        items.add(image(kernel, manager));
        toolchain(report, kernel, manager).ifPresent(items::add);
        items.add(symbolMap(kernel));
        secureBoot(report).ifPresent(items::add);
        String release = kernel.identity().release();
        return new Result(
                release,
                items.stream().filter(Item::needed).allMatch(Item::passed),
                items,
                detail.packages().getOrDefault(release, List.of()));
    }

    /** Headers before the image: what is built then may crash the host (product guide, 6.1.2). */
    private static Item image(KernelState kernel, PackageManager manager) {
        String release = kernel.identity().release();
        boolean there = kernel.identity().image().isPresent();
        return new Item(
                "IMAGE",
                there,
                true,
                there
                        ? "vmlinuz of " + release
                        : "the image of " + release + " is not installed; a module built now may crash it",
                there ? "" : manager.imageFor(release));
    }

    private static Optional<Item> toolchain(HostReport report, KernelState kernel, PackageManager manager) {
        if (report.compiler().isEmpty() || kernel.compiler().isEmpty()) {
            return Optional.empty();
        }
        String here = report.compiler().map(Compiler::major).orElseThrow();
        String there = kernel.compiler().map(Compiler::major).orElseThrow();
        boolean same = here.equals(there);
        return Optional.of(new Item(
                "TOOLCHAIN",
                same,
                false,
                same
                        ? here + ", as the kernel was built with"
                        : here + " is here, and the kernel was built with " + there
                                + ": a module may not load, or misbehave",
                same ? "" : manager.compilerFor(there)));
    }

    private static Item symbolMap(KernelState kernel) {
        boolean usable = kernel.symbolMap() == SymbolMap.USABLE;
        return new Item(
                "SYMBOL_MAP",
                usable,
                false,
                usable
                        ? "System.map with addresses"
                        : "no usable System.map: a module that reads it, as dattobd, can be built once this kernel runs",
                usable ? "" : "boot " + kernel.identity().release() + " once, or reuse a package");
    }

    private static Optional<Item> secureBoot(HostReport report) {
        return report.secureBoot().filter(SecureBoot::enabled).map(boot -> {
            boolean any = !boot.enrolledKeys().isEmpty();
            return new Item(
                    "SECURE_BOOT",
                    any,
                    false,
                    any
                            ? "Secure Boot is on, with " + boot.enrolledKeys().size() + " enrolled keys"
                            : "Secure Boot is on, and no key of yours is enrolled: what is built here will not load",
                    any ? "" : "mokutil --import CERTIFICATE.der, then reboot and confirm");
        });
    }

    private static void print(Result result, Screen screen) {
        screen.heading("kernel " + result.release()
                + (result.canBuild() ? ": modules can be built here" : ": something is missing"));
        for (Item item : result.checks()) {
            String sign = item.passed() ? "✔" : item.needed() ? "✘" : "!";
            String name = item.piece().toLowerCase(Locale.ROOT).replace('_', ' ');
            screen.line(String.format("  %s %-11s ", sign, name), item.found());
            if (!item.passed()) {
                screen.line(" ".repeat(16), "to mend it: " + item.remedy());
            }
        }
        if (!result.installed().isEmpty()) {
            screen.line("  had been installed:");
            result.installed().forEach(entry -> screen.line("    " + entry.name() + ", " + time(entry.installedAt())));
        }
    }

    private static String time(Instant at) {
        return Screen.TIME.format(at.atZone(ZoneId.systemDefault()));
    }
}
