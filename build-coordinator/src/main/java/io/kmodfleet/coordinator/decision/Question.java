package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.FleetState.Placement;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that is known of one module on one kernel of one host. Rules 2 ask it too: what they ask keeps its answer, and later
 * rules ask more.
 */
final class Question {

    private final FleetState state;
    private final Policy policy;
    private final Subject subject;
    private final HostState host;
    private final KernelState kernel;
    private final WantedModule module;
    private final Optional<BuildTarget> asked;
    private Election election;

    Question(
            FleetState state, Policy policy, Subject subject, HostState host, KernelState kernel, WantedModule module) {
        this.state = state;
        this.policy = policy;
        this.subject = subject;
        this.host = host;
        this.kernel = kernel;
        this.module = module;
        this.asked = KernelImage.of(kernel.identity()).map(image -> image.with(module.source()));
    }

    /** None where nobody wants that module there, or the host does not have that kernel. */
    static Optional<Question> of(FleetState state, Subject subject) {
        Optional<HostState> host = state.hosts().get(subject.host());
        if (host.isEmpty() || state.policy().isEmpty()) {
            return Optional.empty();
        }
        Policy policy = state.policy().get();
        HostReport report = host.get().report();
        Optional<KernelState> kernel = report.kernel(subject.release());
        Optional<WantedModule> module = policy.module(report, subject.module());
        return kernel.isEmpty() || module.isEmpty()
                ? Optional.empty()
                : Optional.of(new Question(state, policy, subject, host.get(), kernel.get(), module.get()));
    }

    FleetState state() {
        return state;
    }

    Policy policy() {
        return policy;
    }

    Subject subject() {
        return subject;
    }

    HostState host() {
        return host;
    }

    HostReport report() {
        return host.report();
    }

    KernelState kernel() {
        return kernel;
    }

    WantedModule module() {
        return module;
    }

    /** The build target that would serve it; none where the image cannot be read. */
    Optional<BuildTarget> asked() {
        return asked;
    }

    Optional<TargetState> target() {
        return asked.map(state::target);
    }

    Optional<Decision> standing() {
        return state.standing(subject).map(Standing::decision);
    }

    Placement placement() {
        return asked.map(KernelImage::of).map(state::placement).orElse(Placement.NOBODY);
    }

    /** Hosts that have the image of a target, and so would get its package in the end. */
    int populationOf(BuildTarget target) {
        return state.placement(KernelImage.of(target)).hosts().size();
    }

    String nameOf(HostId id) {
        return state.report(id).map(HostReport::hostname).orElse(id.value());
    }

    /** The same of another host: of the kernel that has this image there. */
    Optional<Question> on(HostId other) {
        return of(state, new Subject(other, subject.release(), subject.module()))
                .filter(there -> there.asked().equals(asked));
    }

    /** Whether its admin and the policy let it be told to do something. */
    boolean mayChange() {
        return !report().observeOnly() && policy.mayChange(report());
    }

    /** Who would build it now. Found once: several rules ask. */
    Election election() {
        if (election == null) {
            election = Election.of(this);
        }
        return election;
    }

    /** Rule 1: installed, of the wanted version, for this very image or compatible with it, and not recalled. */
    Optional<InstalledModule> right() {
        return installed()
                .filter(found -> found.version().equals(Optional.of(module.version())))
                .filter(found -> isForThisImage(found) || isCompatible(found))
                .filter(found -> recalled(found.body()).isEmpty());
    }

    /**
     * Rule 2 (product guide, 6.1.2): what is installed was built for another image of the release, or before the image came. In
     * words; empty where it is not so.
     */
    Optional<String> stale() {
        return installed().filter(found -> !isCompatible(found)).flatMap(found -> {
            if (found.image().isPresent()) {
                return isForThisImage(found)
                        ? Optional.empty()
                        : Optional.of("built for image " + found.image().get().brief());
            }
            boolean older = found.changedAt().isPresent()
                    && kernel.imageInstalledAt().isPresent()
                    && found.changedAt()
                            .get()
                            .isBefore(kernel.imageInstalledAt().get());
            return older
                    ? Optional.of("built at " + found.changedAt().get() + ", before the image was installed at "
                            + kernel.imageInstalledAt().get())
                    : Optional.empty();
        });
    }

    /** Why the package was recalled that is installed here; empty where none is. */
    Optional<String> recalledInstalled() {
        return installed().flatMap(found -> recalled(found.body()));
    }

    Optional<InstalledModule> installed() {
        return kernel.modules().stream()
                .filter(found -> found.name().equals(module.name().replace('-', '_')))
                .findFirst();
    }

    private boolean isForThisImage(InstalledModule found) {
        return found.image().isPresent()
                && found.image().equals(kernel.identity().image());
    }

    private Optional<String> recalled(Digest body) {
        Optional<String> exact = target().stream()
                .flatMap(of -> of.recalled().stream())
                .filter(known -> known.bodies().contains(body))
                .findFirst()
                .flatMap(PackageState::recalled);
        return exact.isPresent()
                ? exact
                : shared().filter(fitting -> fitting.offered().bodies().contains(body))
                        .flatMap(fitting -> fitting.offered().recalled());
    }

    /** @param target whose package it is: the same source for another image */
    record Fitting(BuildTarget target, PackageState offered) {}

    /** Whether a package of another image may serve here at all. */
    boolean canShare() {
        return module.binding() == Binding.SYMBOL_CRC;
    }

    Optional<KernelInterface> exports() {
        return KernelImage.of(kernel.identity())
                .flatMap(image -> state.exports().get(image));
    }

    /** Rule 6: of the proven packages of other images whose every symbol this kernel has, the first. */
    Optional<Fitting> compatible() {
        return fitting(Use.ANY, Optional.empty());
    }

    /** And about which no builders contradict each other, and whose bytes the store has. */
    Optional<Fitting> compatibleUndisputed() {
        return fitting(Use.UNDISPUTED, Optional.empty());
    }

    /** What a package of another image is looked for to do. */
    private enum Use {
        KNOW_AGAIN,
        ANY,
        UNDISPUTED
    }

    private boolean isCompatible(InstalledModule found) {
        return !isForThisImage(found)
                && fitting(Use.KNOW_AGAIN, Optional.of(found.body())).isPresent();
    }

    private Optional<Fitting> shared() {
        return installed().flatMap(found -> fitting(Use.KNOW_AGAIN, Optional.of(found.body())));
    }

    private Optional<Fitting> fitting(Use use, Optional<Digest> body) {
        Optional<KernelInterface> offers = canShare() ? exports() : Optional.empty();
        if (offers.isEmpty()) {
            return Optional.empty();
        }
        for (Map.Entry<BuildTarget, BuildTarget> entry : state.shareable(module.source())) {
            BuildTarget other = entry.getKey();
            boolean elsewhere =
                    other.arch().equals(report().arch()) && !Optional.of(other).equals(asked);
            boolean disputed =
                    use == Use.UNDISPUTED && state.target(other).dissent().isPresent();
            List<PackageState> packages =
                    elsewhere && !disputed ? state.target(other).packages() : List.of();
            for (PackageState known : packages) {
                boolean usable = known.isOffered()
                        && known.isProven(module.proof())
                        && (use == Use.KNOW_AGAIN || !known.isRecalled())
                        && (use != Use.UNDISPUTED || !known.damaged());
                boolean meant = body.map(known.bodies()::contains).orElse(true);
                if (usable
                        && meant
                        && known.needs().map(offers.get()::offersAllOf).orElse(false)) {
                    return Optional.of(new Fitting(other, known));
                }
            }
        }
        return Optional.empty();
    }
}
