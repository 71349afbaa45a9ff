package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Reason;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Whether this host may be rebooted, by what it has and by the coordinator's answers that stand here: so it is known without a
 * network. The coordinator's own answer ({@code kmodfleet explain}) uses the same words, and knows more: what was recalled
 * meanwhile, and a policy that changed.
 *
 * @param answer one word
 * @param kernel the one that is meant; where the host does not say which comes next, the first that is not safe
 * @param module the one that is not as it should be; absent where the kernel itself is not
 * @param because the one thing that blocks, or that is not known; empty where it is safe
 */
record RebootSafety(Answer answer, Optional<String> kernel, Optional<String> module, String because) {

    /** In one word. */
    enum Answer {
        SAFE,
        NOT_SAFE,
        /** Nobody has said what this host needs, or nothing is known of its kernels. */
        UNKNOWN
    }

    /**
     * Where the host says which kernel comes next, that one counts; else every kernel that has an image does, because the boot
     * loader may take any.
     *
     * @param makesInitramfs whether the host has a program that makes one: then a kernel without is not ready
     */
    static RebootSafety of(HostReport report, List<Standing> standing, boolean makesInitramfs) {
        List<KernelState> next = report.kernels().stream()
                .filter(kernel -> kernel.nextBoot().orElse(false))
                .toList();
        List<KernelState> all = report.kernels().stream()
                .filter(kernel -> kernel.identity().image().isPresent())
                .toList();
        List<KernelState> meant = next.isEmpty() ? all : next;
        if (meant.isEmpty()) {
            return unknown(Optional.empty(), "no kernel image of it can be read");
        }
        for (KernelState kernel : meant) {
            Optional<RebootSafety> itself = kernelItself(kernel, makesInitramfs);
            if (itself.isPresent()) {
                return itself.get();
            }
        }
        if (standing.isEmpty()) {
            return unknown(only(meant), "the coordinator has not answered yet");
        }
        for (KernelState kernel : meant) {
            String release = kernel.identity().release();
            List<Decision> answers = standing.stream()
                    .map(Standing::decision)
                    .filter(decision -> decision.subject().release().equals(release))
                    .toList();
            if (answers.isEmpty()) {
                return unknown(Optional.of(release), "the coordinator has not answered about this kernel yet");
            }
            for (Decision answer : answers) {
                Optional<String> blocking = blocking(report, kernel, answer);
                if (blocking.isPresent()) {
                    return new RebootSafety(
                            Answer.NOT_SAFE,
                            Optional.of(release),
                            Optional.of(answer.subject().module()),
                            blocking.get());
                }
            }
        }
        return new RebootSafety(Answer.SAFE, only(meant), Optional.empty(), "");
    }

    private static Optional<RebootSafety> kernelItself(KernelState kernel, boolean makesInitramfs) {
        String release = kernel.identity().release();
        String because = kernel.identity().image().isEmpty()
                ? "its image is not installed, or cannot be read"
                : makesInitramfs && !kernel.initramfs() ? "it has no initramfs" : "";
        return because.isEmpty()
                ? Optional.empty()
                : Optional.of(new RebootSafety(Answer.NOT_SAFE, Optional.of(release), Optional.empty(), because));
    }

    private static Optional<String> blocking(HostReport report, KernelState kernel, Decision answer) {
        String name = answer.subject().module().replace('-', '_');
        List<InstalledModule> installed = kernel.modules().stream()
                .filter(module -> module.name().equals(name))
                .toList();
        if (installed.isEmpty()) {
            return Optional.of("the module is not installed for it");
        }
        Optional<InstalledModule> right = installed.stream()
                .filter(module -> isRight(module, kernel, answer))
                .findFirst();
        if (right.isEmpty()) {
            return Optional.of(wrong(installed.get(0), kernel));
        }
        boolean missing = answer.facts().contains(Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_IN_INITRAMFS));
        if (missing && !right.get().inInitramfs().orElse(false)) {
            return Optional.of("the module is not in its initramfs");
        }
        Optional<SecureBoot> boot = report.secureBoot().filter(SecureBoot::enabled);
        boolean trusted = boot.isEmpty()
                || right.get().signer().map(boot.get().enrolledKeys()::contains).orElse(false);
        return trusted
                ? Optional.empty()
                : Optional.of("Secure Boot is on, and the module is not signed by a key that is enrolled there");
    }

    /** The coordinator's word on what is installed, as long as nothing that is known here contradicts it. */
    private static boolean isRight(InstalledModule module, KernelState kernel, Decision answer) {
        boolean vouchedFor = answer instanceof Decision.Keep
                && (answer.reason() == Reason.UP_TO_DATE || answer.reason() == Reason.NOT_ACTIVATED);
        // A package that was ordered may be there already, though the coordinator has not heard of it yet.
        boolean justInstalled = answer instanceof Decision.Reuse reuse
                && module.image().isPresent()
                && module.version().equals(Optional.of(reuse.moduleVersion()));
        return (vouchedFor || justInstalled) && !isForAnotherImage(module, kernel) && !isOlderThanImage(module, kernel);
    }

    private static String wrong(InstalledModule module, KernelState kernel) {
        return staleness(module, kernel).orElse("another version is installed, or one that nobody vouches for");
    }

    /** Why a module may not be of that very image (product guide, 6.1.2). */
    static Optional<String> staleness(InstalledModule module, KernelState kernel) {
        if (isForAnotherImage(module, kernel)) {
            return Optional.of("what is installed was built for another image of that release");
        }
        return isOlderThanImage(module, kernel)
                ? Optional.of("what is installed was built before the image was installed")
                : Optional.empty();
    }

    private static boolean isForAnotherImage(InstalledModule module, KernelState kernel) {
        // Where symbols have CRCs a package of another release may serve: the coordinator has looked at that.
        return module.image().isPresent()
                && !module.image().equals(kernel.identity().image())
                && module.vermagic()
                        .map(vermagic -> vermagic.startsWith(kernel.identity().release() + " "))
                        .orElse(true);
    }

    /** Of a module that the agent installed, the image is known, and times say nothing. */
    private static boolean isOlderThanImage(InstalledModule module, KernelState kernel) {
        Optional<Instant> image = kernel.imageInstalledAt();
        return module.image().isEmpty()
                && image.isPresent()
                && module.changedAt()
                        .map(changed -> changed.isBefore(image.get()))
                        .orElse(false);
    }

    /** The answers cannot be seen. */
    static RebootSafety unknown(String because) {
        return unknown(Optional.empty(), because);
    }

    private static RebootSafety unknown(Optional<String> kernel, String because) {
        return new RebootSafety(Answer.UNKNOWN, kernel, Optional.empty(), because);
    }

    private static Optional<String> only(List<KernelState> meant) {
        return meant.size() == 1 ? Optional.of(meant.get(0).identity().release()) : Optional.empty();
    }

    /** As {@code kmodfleet explain} says it. */
    String sentence() {
        String where = kernel.map(release -> " into " + release).orElse("");
        return switch (answer) {
            case SAFE -> "✔ safe to reboot" + where;
            case NOT_SAFE ->
                "✘ not safe to reboot" + where + ": "
                        + module.map(name -> name + ", ").orElse("") + because;
            case UNKNOWN -> "? safe to reboot" + where + ": unknown, " + because;
        };
    }
}
