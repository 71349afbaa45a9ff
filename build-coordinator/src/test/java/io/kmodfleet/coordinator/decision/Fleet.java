package io.kmodfleet.coordinator.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Compiler;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelRange;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** A fleet to tell stories about: each call is one observation, and the decisions it led to. */
final class Fleet {

    static final Digest SOURCE = digest("source 0.12.7");
    static final String KERNEL = "6.1.0-56-amd64";
    static final BuildTarget TARGET = new BuildTarget(SOURCE, "x86_64", KERNEL, digest("image"));
    static final Digest PACKAGE = digest("package");
    static final Digest BODY = digest("body");
    static final Digest LATE = digest("late package");

    static final Instant AT = Instant.parse("2026-11-23T03:00:00Z");

    private final Map<String, Long> sequences = new HashMap<>();
    private final List<Envelope> history = new ArrayList<>();
    private final List<List<Decision>> decided = new ArrayList<>();
    private FleetState state = FleetState.empty();
    private final List<Instant> times = new ArrayList<>();
    private Instant now = AT;
    private long epoch = 1;

    Fleet() {
        Recorder.begins(this);
    }

    static Fleet withPolicy() {
        return with(policy(Proof.INSTALL));
    }

    static Fleet withoutSource(Policy policy) {
        Fleet fleet = new Fleet();
        fleet.publishes(policy);
        return fleet;
    }

    static Fleet with(Policy policy) {
        Fleet fleet = new Fleet();
        fleet.sees(new Observation.SourceStored(SOURCE, "v4l2loopback", "0.12.7", Binding.SYMBOL_CRC));
        fleet.publishes(policy);
        return fleet;
    }

    static Policy policy(Proof proof) {
        return new Policy(
                1,
                "6.10",
                new KernelRange("5.15", "6.8"),
                List.of("x86_64"),
                List.of(
                        new Policy.SystemRule("debian", "12", "6.7", Optional.empty()),
                        new Policy.SystemRule("ubuntu", "24.04", "6.11", Optional.empty())),
                List.of(wanted(proof)),
                Policy.Limits.ofFailures(2),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** The same, which others must approve another one in place of. */
    static Policy wantingApprovals(Policy policy, int approvals) {
        return new Policy(
                policy.schema(),
                policy.platformRelease(),
                policy.kernels(),
                policy.architectures(),
                policy.systems(),
                policy.modules(),
                policy.limits(),
                policy.groups(),
                policy.windows(),
                policy.rollout(),
                policy.trust(),
                Optional.of(approvals));
    }

    static Policy.WantedModule wanted(Proof proof) {
        return new Policy.WantedModule(
                "v4l2loopback", "0.12.7", SOURCE, Binding.SYMBOL_CRC, proof, Optional.empty(), Optional.empty());
    }

    List<Decision> publishes(Policy policy) {
        return sees(new Observation.PolicyPublished("ada", policy));
    }

    /** The clock of the coordinator. */
    Fleet after(Duration time) {
        now = now.plus(time);
        return this;
    }

    Instant now() {
        return now;
    }

    /** What the ticker would publish next, published at its time. */
    List<Decision> waits() {
        Deadline next = state.nextDeadline().orElseThrow();
        now = next.at();
        return sees(next.observation());
    }

    List<Decision> sees(Observation observation) {
        return takes(next(observation));
    }

    Envelope next(Observation observation) {
        String source = Envelope.speakerOf(observation);
        return new Envelope(source, epoch, sequences.merge(source, 1L, Long::sum), now, observation);
    }

    List<Decision> takes(Envelope envelope) {
        assertThat(state.holds(envelope)).isFalse();
        Step step = Step.take(state, envelope, now);
        times.add(now);
        history.add(envelope);
        decided.add(step.decisions());
        state = step.after();
        return step.decisions();
    }

    /** Every source forgets how far it counted, as after a reinstall. */
    void startsCountingAnew() {
        epoch++;
        sequences.clear();
    }

    FleetState state() {
        return state;
    }

    List<Envelope> history() {
        return history;
    }

    /** The history as the ledger has it. */
    List<LedgerEntry> ledger() {
        List<LedgerEntry> entries = new ArrayList<>();
        for (int i = 0; i < history.size(); i++) {
            entries.add(new LedgerEntry(i + 1, times.get(i), history.get(i), decided.get(i), Step.RULES));
        }
        return entries;
    }

    List<List<Decision>> decided() {
        return decided;
    }

    Decision standing(HostId host) {
        assertThat(state.standing(host)).hasSize(1);
        return state.standing(host).get(0);
    }

    static HostId host(String name) {
        return HostId.fromMachineId(digest(name).hex().substring(0, 32));
    }

    static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }

    static Observation reported(String name, Host... changes) {
        Report report = new Report(name);
        for (Host change : changes) {
            change.to(report);
        }
        return new Observation.HostReported(host(name), report.build());
    }

    static Observation built(String name, Decision build) {
        return new Observation.BuildSucceeded(host(name), build.id(), TARGET, PACKAGE, digest("log"), 4_000);
    }

    static Observation failed(String name, Decision build) {
        return new Observation.BuildFailed(
                host(name),
                build.id(),
                TARGET,
                Observation.FailureClass.BUILD,
                Optional.of(10),
                "no such field",
                Optional.empty());
    }

    static Observation stored() {
        return new Observation.PackageStored(
                PACKAGE, TARGET, "v4l2loopback", "0.12.7", List.of(BODY), Optional.empty());
    }

    /** The result of a build that was overtaken, or of a second one: another package. */
    static Observation late(String name, Decision build) {
        return new Observation.BuildSucceeded(host(name), build.id(), TARGET, LATE, digest("log"), 4_000);
    }

    static Observation storedLate(Digest body) {
        return new Observation.PackageStored(LATE, TARGET, "v4l2loopback", "0.12.7", List.of(body), Optional.empty());
    }

    static Observation installed(String name) {
        return new Observation.ModuleInstalled(host(name), new DecisionId(1, 0), TARGET, PACKAGE, Proof.INSTALL);
    }

    static Observation installFailed(String name) {
        return new Observation.InstallFailed(
                host(name), new DecisionId(1, 0), TARGET, PACKAGE, "depmod", "no space left");
    }

    /** One thing that is special about a host. */
    interface Host {
        Host CAN_BUILD = report -> report.canBuild = true;
        Host OBSERVES_ONLY = report -> report.observeOnly = true;
        Host ANOTHER_IMAGE = report -> report.image = Optional.of(digest("another image"));
        Host NO_IMAGE = report -> report.image = Optional.empty();
        Host UBUNTU = report -> report.os = new OperatingSystem("ubuntu", "24.04", "Ubuntu 24.04");
        Host ALPINE = report -> report.os = new OperatingSystem("alpine", "3.22", "Alpine");
        Host ARM = report -> report.arch = "aarch64";
        Host HAS_MODULE = report -> report.module = true;
        Host RUNS = report -> report.running = true;
        Host READS_MAP = report -> report.symbolMap = SymbolMap.USABLE;
        Host NOT_IN_INITRAMFS = report -> report.inInitramfs = Optional.of(false);
        Host MODULE_OF_ANOTHER_IMAGE = report -> {
            report.module = true;
            report.builtFor = Optional.of(digest("another image"));
        };
        Host MODULE_OLDER_THAN_IMAGE = report -> {
            report.module = true;
            report.builtFor = Optional.empty();
            report.changedAt = Optional.of(AT.minusSeconds(60));
            report.imageInstalledAt = Optional.of(AT);
        };
        Host HAS_LOADED_MODULE = report -> {
            report.module = true;
            report.loaded = true;
        };

        static Host compiler(String text) {
            return report -> report.compiler = Optional.of(new Compiler(text));
        }

        static Host kernelBuiltBy(String text) {
            return report -> report.kernelCompiler = Optional.of(new Compiler(text));
        }

        static Host secureBoot(String... keys) {
            return report -> report.secureBoot = Optional.of(new HostReport.SecureBoot(true, List.of(keys)));
        }

        static Host label(String label, String value) {
            return report -> report.labels.put(label, value);
        }

        static Host image(String name) {
            return report -> report.image = Optional.of(digest(name));
        }

        static Host body(Digest body) {
            return report -> {
                report.module = true;
                report.body = body;
            };
        }

        static Host builtFor(String image) {
            return report -> report.builtFor = Optional.of(digest(image));
        }

        static Host kernel(String release) {
            return report -> report.release = release;
        }

        void to(Report report);
    }

    static final class Report {
        private static final Digest THE_SAME = digest("the image it has");

        private final String name;
        private boolean canBuild;
        private boolean observeOnly;
        private boolean module;
        private boolean loaded;
        private Optional<Digest> image = Optional.of(TARGET.image());
        private OperatingSystem os = new OperatingSystem("debian", "12", "Debian 12");
        private String arch = "x86_64";
        private String release = KERNEL;
        private boolean running;
        private SymbolMap symbolMap = SymbolMap.STUB;
        private Optional<Boolean> inInitramfs = Optional.empty();
        private Optional<Digest> builtFor = Optional.of(THE_SAME);
        private Optional<Instant> changedAt = Optional.empty();
        private Optional<Instant> imageInstalledAt = Optional.empty();
        private Optional<Compiler> compiler = Optional.empty();
        private Optional<Compiler> kernelCompiler = Optional.empty();
        private Optional<HostReport.SecureBoot> secureBoot = Optional.empty();
        private final SortedMap<String, String> labels = new TreeMap<>();
        private Digest body = BODY;

        Report(String name) {
            this.name = name;
        }

        HostReport build() {
            Check dkms = new Check(
                    Piece.DKMS,
                    canBuild,
                    canBuild ? "dkms-3.0.10" : "not found",
                    canBuild ? "" : "apt-get install dkms");
            List<InstalledModule> modules = module
                    ? List.of(new InstalledModule(
                            "v4l2loopback",
                            Optional.of("0.12.7"),
                            "/lib/modules/" + release + "/updates/v4l2loopback.ko",
                            body,
                            Optional.empty(),
                            Optional.empty(),
                            changedAt,
                            builtFor.equals(Optional.of(THE_SAME)) ? image : builtFor,
                            loaded,
                            inInitramfs,
                            Optional.empty()))
                    : List.of();
            KernelState kernel = new KernelState(
                    new KernelIdentity(arch, release, Optional.empty(), image, Optional.empty(), Optional.empty()),
                    loaded || running,
                    symbolMap,
                    true,
                    imageInstalledAt,
                    Optional.empty(),
                    List.of(),
                    modules,
                    Optional.empty(),
                    kernelCompiler);
            return new HostReport(
                    name, os, arch, observeOnly, List.of(dkms), List.of(kernel), labels, compiler, secureBoot);
        }
    }
}
