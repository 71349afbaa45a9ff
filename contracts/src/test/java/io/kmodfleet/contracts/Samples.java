package io.kmodfleet.contracts;

import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import java.time.DayOfWeek;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/** One value of everything that travels, the same in every test. */
public final class Samples {

    public static final Instant AT = Instant.parse("2026-11-23T03:00:00Z");
    public static final HostId HOST = HostId.fromMachineId("0123456789abcdef0123456789abcdef");
    public static final BuildTarget TARGET =
            new BuildTarget(digest("source"), "x86_64", "6.1.0-56-amd64", digest("image"));
    public static final KernelIdentity KERNEL = new KernelIdentity(
            "x86_64",
            "6.1.0-56-amd64",
            Optional.of("6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP"),
            Optional.of(digest("image")),
            Optional.of(digest("config")),
            Optional.of("00ff"));
    public static final DecisionId ID = new DecisionId(17, 1);
    public static final Subject SUBJECT = new Subject(HOST, "6.1.0-56-amd64", "v4l2loopback");
    public static final Policy POLICY = new Policy(
            1,
            "6.10",
            new KernelRange("5.15", "6.8"),
            List.of("x86_64"),
            List.of(
                    new Policy.SystemRule("ubuntu", "22.04", "6.7", Optional.empty()),
                    new Policy.SystemRule("centos", "9", "6.10", Optional.of(new KernelRange("5.14", "6.8")))),
            List.of(new Policy.WantedModule(
                    "dattobd",
                    "0.12.1",
                    digest("source"),
                    Binding.EXACT_IMAGE,
                    Proof.LOAD,
                    Optional.empty(),
                    Optional.empty())),
            Policy.Limits.ofFailures(2),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    /** One that says everything that a heartbeat can say, with what JSON must escape. */
    public static final Heartbeat HEARTBEAT = new Heartbeat(
            HOST,
            "0.1.0",
            OptionalLong.of(86_400),
            3,
            Optional.of(List.of(
                    new Heartbeat.Device(
                            "/dev/dm-0", "ext4", "/", 53_687_091_200L, 42L, Optional.of(true), "/dev/mapper/vg-root"),
                    new Heartbeat.Device(
                            "/dev/sda1", "vfat", "/srv/\"a\\ü/b\"", 0, 0, Optional.empty(), "/dev/sda1"))));

    /** One that says everything that a policy can say. */
    public static final Policy WHOLE_POLICY = new Policy(
            1,
            "6.10",
            new KernelRange("5.15", "6.8"),
            List.of("x86_64"),
            List.of(new Policy.SystemRule("debian", "12", "6.7", Optional.empty())),
            List.of(new Policy.WantedModule(
                    "dattobd",
                    "0.12.1",
                    digest("source"),
                    Binding.EXACT_IMAGE,
                    Proof.LOAD,
                    Optional.of(true),
                    Optional.of(true))),
            new Policy.Limits(2, Optional.of(4), Optional.of(30), Optional.of(10), Optional.of(20), Optional.of(2)),
            List.of(new Policy.HostGroup(
                    "databases",
                    new TreeMap<>(Map.of("role", "database")),
                    List.of(new Policy.WantedModule(
                            "v4l2loopback",
                            "0.12.7",
                            digest("source 2"),
                            Binding.SYMBOL_CRC,
                            Proof.INSTALL,
                            Optional.empty(),
                            Optional.empty())),
                    List.of("dattobd"),
                    Optional.of(false),
                    Optional.of(true),
                    Optional.of("nights"),
                    Optional.of("ours"))),
            List.of(new Policy.Window(
                    "nights", List.of(DayOfWeek.SATURDAY, DayOfWeek.SUNDAY), "22:00", "04:00", Optional.of("+02:00"))),
            Optional.of(new Policy.Rollout(List.of(5, 25), 10)),
            Optional.of(new Policy.Trust(List.of("ours"), Optional.of("0badc0de"))),
            Optional.empty());
    /** One that wants others asked before another takes its place. */
    public static final Policy APPROVED_POLICY = new Policy(
            POLICY.schema(),
            POLICY.platformRelease(),
            POLICY.kernels(),
            POLICY.architectures(),
            POLICY.systems(),
            POLICY.modules(),
            POLICY.limits(),
            POLICY.groups(),
            POLICY.windows(),
            POLICY.rollout(),
            POLICY.trust(),
            Optional.of(2));

    public static final KernelInterface KERNEL_INTERFACE = new KernelInterface(
            "SMP preempt mod_unload modversions ",
            1408,
            new TreeMap<>(Map.of("module_layout", "7c24b32d", "printk", "92997ed8")));
    public static final PackageManifest MANIFEST = new PackageManifest(
            1,
            "v4l2loopback",
            "0.12.7",
            TARGET,
            KERNEL,
            List.of(new PackagedModule(
                    "v4l2loopback",
                    "module/v4l2loopback.ko",
                    digest("file"),
                    digest("body"),
                    "6.1.0-56-amd64 SMP preempt mod_unload modversions ",
                    Optional.of("0123456789ABCDEF0123456"))),
            digest("dkms.conf"),
            "gcc (Debian 12.2.0) 12.2.0",
            "dkms-3.0.10",
            HOST,
            Optional.of(ID),
            digest("log"),
            AT);

    /** Of a package that a person had built. */
    public static final PackageManifest MANIFEST_BY_HAND = new PackageManifest(
            1,
            "v4l2loopback",
            "0.12.7",
            TARGET,
            KERNEL,
            List.of(new PackagedModule(
                    "v4l2loopback",
                    "module/v4l2loopback.ko",
                    digest("file"),
                    digest("body"),
                    "6.1.0-56-amd64 SMP preempt mod_unload modversions ",
                    Optional.of("0123456789ABCDEF0123456"))),
            digest("dkms.conf"),
            "gcc (Debian 12.2.0) 12.2.0",
            "dkms-3.0.10",
            HOST,
            Optional.empty(),
            digest("log"),
            AT);

    private Samples() {}

    public static Digest digest(String text) {
        return Digest.of(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    public static HostReport report() {
        InstalledModule module = new InstalledModule(
                "v4l2loopback",
                Optional.of("0.12.7"),
                "/lib/modules/6.1.0-56-amd64/updates/v4l2loopback.ko",
                digest("body"),
                Optional.of("6.1.0-56-amd64 SMP "),
                Optional.of("0123456789ABCDEF0123456"),
                Optional.of(AT),
                Optional.of(digest("image")),
                true,
                Optional.empty(),
                Optional.empty());
        KernelState kernel = new KernelState(
                KERNEL,
                true,
                SymbolMap.STUB,
                true,
                Optional.of(AT),
                Optional.of(AT),
                List.of(new Check(Check.Piece.HEADERS, true, "/usr/src/linux-headers-6.1.0-56-amd64", "")),
                List.of(module),
                Optional.empty(),
                Optional.empty());
        return new HostReport(
                "host-a",
                new OperatingSystem("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
                "x86_64",
                false,
                List.of(new Check(Check.Piece.DKMS, false, "dkms is not installed", "apt-get install dkms")),
                List.of(kernel),
                new TreeMap<>(),
                Optional.empty(),
                Optional.empty());
    }

    /** A report with everything that a host can say beyond {@link #report}. */
    public static HostReport wholeReport() {
        HostReport report = report();
        KernelState kernel = report.kernels().get(0);
        InstalledModule module = kernel.modules().get(0);
        return new HostReport(
                report.hostname(),
                report.os(),
                report.arch(),
                report.observeOnly(),
                report.checks(),
                List.of(new KernelState(
                        kernel.identity(),
                        kernel.running(),
                        kernel.symbolMap(),
                        kernel.initramfs(),
                        kernel.imageInstalledAt(),
                        kernel.headersInstalledAt(),
                        kernel.checks(),
                        List.of(new InstalledModule(
                                module.name(),
                                module.version(),
                                module.file(),
                                module.body(),
                                module.vermagic(),
                                module.srcversion(),
                                module.changedAt(),
                                module.image(),
                                module.loaded(),
                                Optional.of(false),
                                Optional.of("0badc0de"))),
                        Optional.of(true),
                        Optional.of(new Compiler("gcc-12 (Debian 12.2.0-14) 12.2.0")))),
                new TreeMap<>(Map.of("role", "database")),
                Optional.of(new Compiler("gcc (Debian 12.2.0-14) 12.2.0")),
                Optional.of(new HostReport.SecureBoot(true, List.of("0badc0de"))));
    }

    public static List<Observation> observations() {
        return List.of(
                new Observation.HostReported(HOST, report()),
                new Observation.BuildSucceeded(HOST, ID, TARGET, digest("package"), digest("log"), 5_153),
                new Observation.BuildFailed(
                        HOST,
                        ID,
                        TARGET,
                        Observation.FailureClass.BUILD,
                        Optional.of(10),
                        "dattobd.c:1: error: no such field",
                        Optional.of(digest("log"))),
                new Observation.ModuleInstalled(HOST, ID, TARGET, digest("package"), Proof.INSTALL),
                new Observation.InstallFailed(
                        HOST, ID, TARGET, digest("package"), "depmod 6.1.0-56-amd64", "no space left"),
                new Observation.SourceStored(digest("source"), "dattobd", "0.12.1", Binding.EXACT_IMAGE),
                new Observation.PackageStored(
                        digest("package"), TARGET, "v4l2loopback", "0.12.7", List.of(digest("body")), Optional.empty()),
                new Observation.PackageRefused(
                        digest("package"), "MANIFEST_LIES", "Expected vermagic to be a, but it is b"),
                new Observation.PolicyPublished("ada", POLICY),
                new Observation.PolicyApproved("grace", 17),
                new Observation.LoadFailed(HOST, ID, TARGET, digest("package"), "Key was rejected by service"),
                new Observation.KernelExportsReported(
                        HOST, "x86_64", "6.1.0-56-amd64", digest("image"), KERNEL_INTERFACE),
                new Observation.PackageRecalled("ada", TARGET, digest("package"), "crashes on resume"),
                new Observation.RetryRequested("ada", Optional.of(HOST), Optional.empty()),
                new Observation.BuildOverdue(TARGET, ID),
                new Observation.DeadlinePassed(TARGET, Reason.RETRY_LATER),
                new Observation.HostHeld("ada", HOST, "migrated on Tuesday"),
                new Observation.HostReleased("ada", HOST),
                new Observation.RiskAccepted("ada", HOST, "retired next week"),
                new Observation.PackageDamaged(
                        digest("package"), TARGET, "Expected the bytes of a package, but they are gone"),
                new Observation.PackageHealed(digest("package"), TARGET));
    }

    public static List<Decision> decisions() {
        List<Fact> facts = List.of(Fact.of("kernel", "6.1.0-56-amd64"));
        return List.of(
                new Decision.Keep(ID, SUBJECT, Reason.UP_TO_DATE, facts),
                new Decision.Reuse(
                        ID, SUBJECT, Reason.PACKAGE_EXACT, TARGET, "0.12.7", digest("package"), Proof.INSTALL, facts),
                new Decision.Build(ID, SUBJECT, Reason.NO_PACKAGE, TARGET, "0.12.7", facts),
                new Decision.Wait(ID, SUBJECT, Reason.BUILD_RUNNING, facts),
                new Decision.Reject(
                        ID,
                        SUBJECT,
                        Reason.NO_BUILD_ENVIRONMENT,
                        List.of(new Check(Check.Piece.MAKE, false, "make is not installed", "apt-get install make")),
                        facts));
    }
}
