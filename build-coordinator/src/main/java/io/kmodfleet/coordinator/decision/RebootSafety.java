package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Subject;
import java.util.List;
import java.util.Optional;

/**
 * Whether a host may be rebooted: whether the kernel that would boot next has every module that the policy wants there.
 *
 * @param answer one word
 * @param kernel the one that is meant; where the host does not say which comes next, the first that is not safe
 * @param module the one that is not as it should be
 * @param because the one thing that blocks; empty where nothing does
 */
public record RebootSafety(Answer answer, Optional<String> kernel, Optional<String> module, String because) {

    /** In one word. */
    public enum Answer {
        SAFE,
        NOT_SAFE,
        /** The host never reported, or nothing is known of its kernels. */
        UNKNOWN
    }

    /**
     * Where the host says which kernel comes next, that one counts; else every kernel that has an image does, because the boot
     * loader may take any.
     */
    public static RebootSafety of(FleetState state, HostId host) {
        Optional<HostState> known = state.hosts().get(host);
        if (known.isEmpty() || state.policy().isEmpty()) {
            return new RebootSafety(
                    Answer.UNKNOWN,
                    Optional.empty(),
                    Optional.empty(),
                    known.isEmpty() ? "the host never reported" : "no policy is published");
        }
        HostReport report = known.get().report();
        List<KernelState> next = report.kernels().stream()
                .filter(kernel -> kernel.nextBoot().orElse(false))
                .toList();
        List<KernelState> all = report.kernels().stream()
                .filter(kernel -> kernel.identity().image().isPresent())
                .toList();
        List<KernelState> meant = next.isEmpty() ? all : next;
        if (meant.isEmpty()) {
            return new RebootSafety(
                    Answer.UNKNOWN, Optional.empty(), Optional.empty(), "no kernel image of it can be read");
        }
        for (KernelState kernel : meant) {
            for (WantedModule module : state.policy().get().modules(report)) {
                Optional<String> blocking = blocking(state, host, kernel, module);
                if (blocking.isPresent()) {
                    return new RebootSafety(
                            Answer.NOT_SAFE,
                            Optional.of(kernel.identity().release()),
                            Optional.of(module.name()),
                            blocking.get());
                }
            }
        }
        return new RebootSafety(
                Answer.SAFE,
                meant.size() == 1 ? Optional.of(meant.get(0).identity().release()) : Optional.empty(),
                Optional.empty(),
                "");
    }

    private static Optional<String> blocking(FleetState state, HostId host, KernelState kernel, WantedModule module) {
        Question question = Question.of(
                        state, new Subject(host, kernel.identity().release(), module.name()))
                .orElseThrow();
        Optional<InstalledModule> right = question.right();
        if (right.isEmpty()) {
            return question.recalledInstalled()
                    .map(why -> "what is installed was recalled (" + why + ")")
                    .or(() -> question.stale().map(why -> "what is installed was " + why))
                    .or(() -> question.installed().isPresent()
                            ? Optional.of("another version is installed, or one that nobody vouches for")
                            : Optional.of("the module is not installed for it"));
        }
        boolean inInitramfs = right.get().inInitramfs().orElse(true);
        if (module.belongsIntoInitramfs() && !inInitramfs) {
            return Optional.of("the module is not in its initramfs");
        }
        Optional<SecureBoot> boot = question.report().secureBoot().filter(SecureBoot::enabled);
        boolean trusted = boot.isEmpty()
                || right.get().signer().map(boot.get().enrolledKeys()::contains).orElse(false);
        return trusted
                ? Optional.empty()
                : Optional.of("Secure Boot is on, and the module is not signed by a key that is enrolled there");
    }
}
