package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.agent.install.Leftovers;
import io.kmodfleet.agent.install.Leftovers.Leftover;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is wrong on this host, why it matters, and what mends it; asks nobody. */
@Command(
        name = "doctor",
        description = {
            "Find what is wrong on this host, say why it matters, and mend it where --fix is given.",
            "Asks nobody, so it works without a network. A module in use is never unloaded."
        })
final class DoctorCommand implements Callable<Integer> {

    @Mixin
    private HostOptions host;

    @Option(names = "--fix", description = "Mend what can be mended here.")
    private boolean fix;

    @Option(names = "--dry-run", description = "With --fix: say what would be done, and change nothing.")
    private boolean dryRun;

    /**
     * What {@code -o json} prints.
     *
     * @param agentRuns whether an agent works on this host now
     * @param mended whether nothing is left that somebody should do
     */
    record Checkup(boolean agentRuns, boolean mended, List<Treated> findings) {}

    /**
     * One finding, and what became of it.
     *
     * @param done what each repair came to; empty where none was tried
     * @param left whether it is still there
     */
    record Treated(
            Finding.Kind kind,
            String about,
            String what,
            String why,
            List<String> fix,
            Optional<String> advice,
            List<String> done,
            boolean left) {}

    @Override
    public Integer call() throws Exception {
        HostRoot root = host.root();
        StateCheck state = StateCheck.of(host.stateToReadWhole());
        HostInspector inspector = host.inspector(() -> installed(state));
        Diagnosis before = Diagnosis.of(look(root, inspector, state));
        List<Treated> treated = new ArrayList<>();
        if (fix && !dryRun && !before.findings().isEmpty()) {
            Hangup.survive();
            Repairer repairer = new Repairer(root, inspector.hostId(), inspector, state);
            List<List<String>> done = new ArrayList<>();
            for (Finding finding : before.findings()) {
                List<String> words = new ArrayList<>();
                for (Repair repair : finding.repairs()) {
                    words.add(repairer.run(repair));
                }
                done.add(words);
            }
            Diagnosis after = Diagnosis.of(
                    look(root, host.inspector(() -> installed(state)), StateCheck.of(host.stateToReadWhole())));
            for (int i = 0; i < done.size(); i++) {
                Finding finding = before.findings().get(i);
                boolean left = after.findings().stream()
                        .anyMatch(other ->
                                other.kind() == finding.kind() && other.about().equals(finding.about()));
                treated.add(treated(finding, done.get(i), left));
            }
        } else {
            before.findings().forEach(finding -> treated.add(treated(finding, List.of(), true)));
        }
        Checkup checkup =
                new Checkup(state.agentRuns(), treated.stream().noneMatch(Treated::left), List.copyOf(treated));
        if (host.isJson()) {
            System.out.println(FleetJson.write(checkup));
        } else {
            print(checkup, Screen.of(false));
        }
        return checkup.mended() ? 0 : AgentCommand.SOMETHING_LEFT;
    }

    private static Treated treated(Finding finding, List<String> done, boolean left) {
        return new Treated(
                finding.kind(),
                finding.about(),
                finding.what(),
                finding.why(),
                finding.repairs().stream().map(Repair::words).toList(),
                finding.advice(),
                done,
                left);
    }

    private static Map<Digest, InstallRecord> installed(StateCheck state) {
        try {
            return state.memoryFault().isPresent()
                    ? Map.of()
                    : AgentMemory.open(state.directory()).installed();
        } catch (IOException e) {
            return Map.of();
        }
    }

    private Diagnosis.Seen look(HostRoot root, HostInspector inspector, StateCheck state) {
        HostReport report = inspector.inspect();
        List<Standing> standing = state.standing();
        HostDetail detail = inspector.detail(report, StatusCommand.modulesOf(standing));
        List<String> differences;
        try {
            differences = inspector.dkmsDifferences();
        } catch (IOException e) {
            differences = List.of("dkms status cannot be asked: " + e.getMessage());
        }
        return new Diagnosis.Seen(report, detail, differences, state, leftovers(root, state), initramfsProgram(root));
    }

    private static List<Leftover> leftovers(HostRoot root, StateCheck state) {
        if (state.agentRuns()) {
            return List.of();
        }
        try {
            return new Leftovers(root, new HostPrograms(root), state.directory()).find();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static Optional<List<String>> initramfsProgram(HostRoot root) {
        if (root.program("update-initramfs").isPresent()) {
            return Optional.of(List.of("update-initramfs", "-c", "-k"));
        }
        return root.program("dracut").map(any -> List.of("dracut", "-f", "--kver"));
    }

    private void print(Checkup checkup, Screen screen) {
        screen.line(checkup.agentRuns() ? "An agent runs on this host." : "No agent runs on this host now.");
        if (checkup.findings().isEmpty()) {
            screen.line("✔ nothing is wrong");
            return;
        }
        for (Treated finding : checkup.findings()) {
            screen.blank();
            screen.line(finding.left() ? "✘ " : "✔ ", finding.what());
            screen.line("  why it matters: ", finding.why());
            for (int i = 0; i < finding.fix().size(); i++) {
                boolean tried = i < finding.done().size();
                screen.line(
                        tried ? "  --fix: " : "  --fix would: ", finding.fix().get(i));
                if (tried) {
                    screen.line("         ", finding.done().get(i));
                }
            }
            finding.advice().ifPresent(advice -> screen.line("  what to do: ", advice));
        }
        long left = checkup.findings().stream().filter(Treated::left).count();
        long fixable = checkup.findings().stream()
                .filter(finding -> finding.left() && !finding.fix().isEmpty())
                .count();
        screen.blank();
        screen.line(
                left == 0
                        ? "Everything is mended."
                        : left + (left == 1 ? " thing is" : " things are") + " left to mend"
                                + (fix && !dryRun || fixable == 0
                                        ? "."
                                        : "; 'kmodfleet-agent doctor --fix' would try " + fixable + "."));
    }
}
