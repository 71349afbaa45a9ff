package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import java.util.stream.Collectors;

/** An observation on one line, for people. */
final class ObservationWords implements Observation.Cases<String> {

    private static final ObservationWords WORDS = new ObservationWords();

    private ObservationWords() {}

    static String of(Observation observation) {
        return observation.match(WORDS);
    }

    @Override
    public String on(Observation.HostReported event) {
        String kernels =
                event.report().kernels().stream().map(ObservationWords::kernel).collect(Collectors.joining(", "));
        return event.report().hostname() + " reported its kernels: " + (kernels.isEmpty() ? "none" : kernels);
    }

    private static String kernel(KernelState kernel) {
        String modules = kernel.modules().stream()
                .map(module -> module.name() + (module.loaded() ? " loaded" : ""))
                .collect(Collectors.joining(" and "));
        return kernel.identity().release()
                + (kernel.running() ? " (running)" : kernel.nextBoot().orElse(false) ? " (next boot)" : "")
                + (modules.isEmpty() ? "" : " with " + modules);
    }

    @Override
    public String on(Observation.BuildSucceeded event) {
        return "Build " + event.build() + " for " + kernel(event.target()) + " ended well after "
                + Say.millis(event.millis()) + ": package "
                + event.packageDigest().brief();
    }

    @Override
    public String on(Observation.BuildFailed event) {
        return "Build " + event.build() + " for " + kernel(event.target()) + " failed: " + event.error();
    }

    @Override
    public String on(Observation.ModuleInstalled event) {
        return "Package " + event.packageDigest().brief() + " for " + kernel(event.target()) + " is installed; shown: "
                + event.proof().name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }

    @Override
    public String on(Observation.InstallFailed event) {
        return "Package " + event.packageDigest().brief() + " could not be installed at step " + event.step() + ": "
                + event.error();
    }

    @Override
    public String on(Observation.SourceStored event) {
        return "The store has the source of " + event.module() + " " + event.moduleVersion() + " ("
                + event.source().brief() + ")";
    }

    @Override
    public String on(Observation.PackageStored event) {
        return "The store has package " + event.packageDigest().brief() + " of " + event.module() + " "
                + event.moduleVersion() + " for " + kernel(event.target());
    }

    @Override
    public String on(Observation.PackageRefused event) {
        return "The store refused " + event.packageDigest().brief() + " (" + event.rule() + "): " + event.evidence();
    }

    @Override
    public String on(Observation.PolicyPublished event) {
        return event.author() + " published a policy";
    }

    @Override
    public String on(Observation.LoadFailed event) {
        return "Package " + event.packageDigest().brief() + " could not be loaded: " + event.error();
    }

    @Override
    public String on(Observation.KernelExportsReported event) {
        return "The symbols of kernel " + event.release() + " became known";
    }

    @Override
    public String on(Observation.PackageRecalled event) {
        return event.author() + " recalled package " + event.packageDigest().brief() + ": " + event.why();
    }

    @Override
    public String on(Observation.RetryRequested event) {
        return event.author() + " asked to try again "
                + event.target().map(target -> "for " + kernel(target)).orElse("on this host");
    }

    @Override
    public String on(Observation.BuildOverdue event) {
        return "Build " + event.build() + " took longer than the policy allows";
    }

    @Override
    public String on(Observation.DeadlinePassed event) {
        return "What was waited for has come (" + event.waitedFor() + ")";
    }

    @Override
    public String on(Observation.PolicyApproved event) {
        return event.author() + " approved the policy of position " + event.published();
    }

    @Override
    public String on(Observation.HostHeld event) {
        return event.author() + " wants the host to be left as it is: " + event.why();
    }

    @Override
    public String on(Observation.HostReleased event) {
        return event.author() + " released the host";
    }

    @Override
    public String on(Observation.RiskAccepted event) {
        return event.author() + " accepts that the host is not safe: " + event.why();
    }

    @Override
    public String on(Observation.PackageDamaged event) {
        return "The store has lost package " + event.packageDigest().brief() + " for " + kernel(event.target()) + ": "
                + event.evidence();
    }

    @Override
    public String on(Observation.PackageHealed event) {
        return "The store has package " + event.packageDigest().brief() + " for " + kernel(event.target()) + " again";
    }

    private static String kernel(BuildTarget target) {
        return target.release();
    }
}
