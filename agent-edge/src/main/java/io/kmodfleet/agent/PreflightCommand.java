package io.kmodfleet.agent;

import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.wire.FleetJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whether a module could be built here; asks nobody. */
@Command(
        name = "preflight",
        description = "Check what building a module for a kernel needs, and say how to supply what is missing.")
final class PreflightCommand implements Callable<Integer> {

    @Mixin
    private HostOptions host;

    @Option(
            names = "--kernel",
            paramLabel = "RELEASE",
            description = "Only this kernel (default: every installed one).")
    private Optional<String> kernel;

    /** What {@code -o json} prints for each kernel. */
    record Result(String release, boolean canBuild, List<Check> checks) {}

    @Override
    public Integer call() {
        HostReport report = new HostInspector(
                        host.root(), false, Optional.empty(), Map::of, host.labels(), Consent.in(host.state())::isGiven)
                .inspect();
        List<Result> results = new ArrayList<>();
        for (KernelState state : report.kernels()) {
            String release = state.identity().release();
            if (kernel.isEmpty() || kernel.get().equals(release)) {
                List<Check> checks = new ArrayList<>(report.checks());
                checks.addAll(state.checks());
                results.add(new Result(release, checks.stream().allMatch(Check::passed), checks));
            }
        }
        if (results.isEmpty()) {
            throw new Trouble(kernel.map(name -> "Expected kernel " + name
                            + " to be installed, but it is not. There are: "
                            + String.join(
                                    ", ",
                                    report.kernels().stream()
                                            .map(state -> state.identity().release())
                                            .toList()))
                    .orElse("Expected an installed kernel below /boot or /lib/modules, but there is none."));
        }
        if (host.isJson()) {
            System.out.println(FleetJson.write(results));
        } else {
            results.forEach(PreflightCommand::print);
        }
        return results.stream().allMatch(Result::canBuild) ? 0 : AgentCommand.FAILED;
    }

    private static void print(Result result) {
        System.out.println("kernel " + result.release()
                + (result.canBuild() ? ": modules can be built here" : ": something is missing"));
        for (Check check : result.checks()) {
            System.out.printf(
                    "  %s %-9s %s%n",
                    check.passed() ? "✔" : "✘",
                    check.piece().name().toLowerCase(java.util.Locale.ROOT),
                    check.passed() ? check.found() : Answers.remedyOf(check));
        }
    }
}
