package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.dkms.BuildLog;
import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.dkms.LiveLog;
import io.kmodfleet.agent.dkms.ModuleBuilder;
import io.kmodfleet.agent.dkms.SourceBuild;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.agent.host.KernelExports;
import io.kmodfleet.agent.install.Activator;
import io.kmodfleet.agent.install.Installer;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.BuildFailed;
import io.kmodfleet.contracts.Observation.BuildSucceeded;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Observation.InstallFailed;
import io.kmodfleet.contracts.Observation.LoadFailed;
import io.kmodfleet.contracts.Observation.ModuleInstalled;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real dkms in real roots: host a builds, host b, which has nothing to build with, and a itself install. In this order, for a
 * build is the slow part.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DkmsBuildIT {

    private static final Path PACKAGES = Path.of("/root/dattobd_dkms_build_pacakges");

    private Path work;
    private TestStore store;
    private Properties facts;
    private Host a;
    private Host b;
    private Digest source;
    private int decisions;
    private BuildSucceeded built;

    /** A host root and the agent's parts that work on it. */
    private record Host(
            HostRoot root,
            HostId id,
            HostInspector inspector,
            ModuleBuilder builder,
            Installer installer,
            Activator activator) {

        static Host in(Path directory, Path state, TestStore store) throws IOException {
            Files.createDirectories(state);
            HostRoot root = new HostRoot(directory);
            HostInspector inspector = new HostInspector(root, false, Optional.of(state), Map::of);
            HostPrograms programs = new HostPrograms(root);
            Dkms dkms = new Dkms(root, programs, state);
            StoreClient client = new StoreClient(store.address());
            HostId id = inspector.hostId();
            return new Host(
                    root,
                    id,
                    inspector,
                    new ModuleBuilder(
                            id,
                            root,
                            new SourceBuild(root, programs, dkms, Duration.ofMinutes(10), Clock.systemUTC()),
                            client,
                            PACKAGES,
                            new BuildLog(state, line -> {}),
                            new LiveLog((build, line) -> true),
                            Clock.systemUTC()),
                    new Installer(id, root, programs, dkms, client, state),
                    new Activator(id, root, programs));
        }

        KernelState kernel(String release) {
            return inspector.inspect().kernel(release).orElseThrow();
        }
    }

    @BeforeAll
    void hosts(@TempDir(cleanup = CleanupMode.NEVER) Path directory) throws Exception {
        Path roots = Needs.hostRoots();
        work = directory;
        facts = new Properties();
        try (var in = Files.newBufferedReader(roots.resolve("roots.env"))) {
            facts.load(in);
        }
        store = new TestStore();
        a = Host.in(Copies.of(roots.resolve("a"), work.resolve("a")), work.resolve("state-a"), store);
        b = Host.in(Copies.of(roots.resolve("b"), work.resolve("b")), work.resolve("state-b"), store);
        source = store.put("sources", SourcePackage.write(filesOf(roots.resolve(facts.getProperty("SOURCE")))));
    }

    @AfterAll
    void end() throws Exception {
        if (store != null) {
            store.close();
            Copies.delete(work);
        }
    }

    @Test
    @Order(0)
    void a_host_names_the_compiler_that_its_own_root_has() {
        assertThat(a.inspector().inspect().compiler().orElseThrow().text()).startsWith("gcc (Debian ");
        assertThat(b.inspector().inspect().compiler()).isEmpty();
    }

    @Test
    @Order(1)
    void a_host_with_dkms_builds_a_module_for_that_very_kernel_and_uploads_it() throws Exception {
        Observation ended = a.builder().build(order(a, source), a.kernel(release()));

        assertThat(ended).isInstanceOf(BuildSucceeded.class);
        built = (BuildSucceeded) ended;
        ModulePackage uploaded = ModulePackage.read(store.get("packages", built.packageDigest()));
        assertThat(uploaded.manifest().modules().get(0).vermagic()).startsWith(release() + " ");
        assertThat(uploaded.manifest().compiler()).contains("gcc");
        assertThat(new String(store.get("logs", built.log()), StandardCharsets.UTF_8))
                .contains("==> dkms build")
                .contains("v4l2loopback.o");
        assertThat(a.root().at(PACKAGES + "/" + uploaded.manifest().fileName()))
                .hasBinaryContent(store.get("packages", built.packageDigest()));
    }

    @Test
    @Order(2)
    void a_host_that_cannot_compile_installs_the_same_body() throws Exception {
        assertThat(b.root().program("gcc")).isEmpty();
        Files.createDirectories(b.root().at("/lib/modules/" + release() + "/extra"));
        Path older = b.root().at("/lib/modules/" + release() + "/extra").resolve("v4l2loopback.ko");
        Files.writeString(older, "an older file of that module");

        Installer.Result result = b.installer().install(reuse(b, built), b.kernel(release()), false);

        assertThat(only(result)).isInstanceOf(ModuleInstalled.class);
        assertThat(((ModuleInstalled) only(result)).proof()).isEqualTo(Proof.INSTALL);
        assertThat(b.kernel(release()).modules())
                .extracting(InstalledModule::body)
                .isEqualTo(result.bodies());
        assertThat(Files.readString(b.root().at("/lib/modules/" + release() + "/modules.dep")))
                .contains("updates/v4l2loopback.ko")
                .doesNotContain("extra/v4l2loopback.ko");
        assertThat(older).doesNotExist();
    }

    @Test
    @Order(3)
    void what_is_installed_twice_stands_there_once() throws Exception {
        Map<String, String> before = modulesOf(b);

        b.installer().install(reuse(b, built), b.kernel(release()), false);

        assertThat(modulesOf(b)).isEqualTo(before);
    }

    @Test
    @Order(4)
    void where_depmod_fails_the_old_file_is_there_again() throws Exception {
        Path depmod = b.root().program("depmod").orElseThrow();
        Path elsewhere = depmod.resolveSibling("depmod.elsewhere");
        Path installed = b.root().at(b.kernel(release()).modules().get(0).file());
        byte[] old = "the module of before".getBytes(StandardCharsets.UTF_8);
        Files.write(installed, old);
        Files.move(depmod, elsewhere);
        try {
            Installer.Result result = b.installer().install(reuse(b, built), b.kernel(release()), false);

            assertThat(only(result)).isInstanceOf(InstallFailed.class);
            assertThat(((InstallFailed) only(result)).step()).isEqualTo("depmod " + release());
            assertThat(installed).hasBinaryContent(old);
        } finally {
            Files.move(elsewhere, depmod);
        }
    }

    @Test
    @Order(5)
    void dkms_knows_what_was_installed_on_a_host_that_has_it() throws Exception {
        Installer.Result result = a.installer().install(reuse(a, built), a.kernel(release()), false);

        assertThat(only(result)).isInstanceOf(ModuleInstalled.class);
        assertThat(status(a)).contains(release()).contains("installed");
        assertThat(a.kernel(release()).modules())
                .extracting(InstalledModule::body)
                .isEqualTo(result.bodies());
    }

    @Test
    @Order(6)
    void a_package_of_another_host_is_entered_into_dkms_and_nothing_is_compiled() throws Exception {
        HostPrograms programs = new HostPrograms(a.root());
        programs.run(Duration.ofMinutes(1), List.of("dkms", "remove", "-m", module(), "-v", version(), "--all"));
        assertThat(a.kernel(release()).modules()).isEmpty();
        Path gcc = a.root().program("make").orElseThrow();
        Files.move(gcc, gcc.resolveSibling("make.elsewhere"));
        try {
            Installer.Result result = a.installer().install(reuse(a, built), a.kernel(release()), false);

            assertThat(only(result)).isInstanceOf(ModuleInstalled.class);
            assertThat(status(a)).contains("installed");
        } finally {
            Files.move(gcc.resolveSibling("make.elsewhere"), gcc);
        }
    }

    @Test
    @Order(7)
    void a_build_over_an_installed_module_succeeds_too() throws Exception {
        assertThat(a.builder().build(order(a, source), a.kernel(release()))).isInstanceOf(BuildSucceeded.class);
    }

    @Test
    @Order(8)
    void what_the_compiler_refuses_is_reported_with_its_first_error_and_the_log() throws Exception {
        Digest broken =
                store.put("sources", changed("v4l2loopback.c", "#error this does not build, MIRROR_TOKEN=s3cr3t\n"));

        BuildFailed failed = (BuildFailed) a.builder().build(order(a, broken), a.kernel(release()));

        assertThat(failed.failure()).isEqualTo(FailureClass.BUILD);
        assertThat(failed.error()).contains("#error this does not build");
        String log = new String(store.get("logs", failed.log().orElseThrow()), StandardCharsets.UTF_8);
        assertThat(log).contains("#error this does not build");
        assertThat(failed.error() + log).as("what leaves the host").doesNotContain("s3cr3t");
    }

    @Test
    @Order(9)
    void a_source_that_excludes_this_kernel_is_not_applicable() throws Exception {
        Digest excluded = store.put("sources", changed("dkms.conf", "BUILD_EXCLUSIVE_KERNEL=\"^2\\\\.4\\\\.\"\n"));

        BuildFailed failed = (BuildFailed) a.builder().build(order(a, excluded), a.kernel(release()));

        assertThat(failed.failure()).isEqualTo(FailureClass.NOT_APPLICABLE);
        assertThat(failed.exitCode()).contains(77);
    }

    @Test
    @Order(10)
    void a_host_without_a_compiler_cannot_build_although_this_machine_could() throws Exception {
        BuildFailed failed = (BuildFailed) b.builder().build(order(b, source), b.kernel(release()));

        assertThat(failed.failure()).isEqualTo(FailureClass.INFRASTRUCTURE);
    }

    @Test
    @Order(11)
    void a_package_for_another_image_of_the_same_release_is_not_installed_not_even_over_a_stale_build()
            throws Exception {
        Path image = b.root().at("/boot/vmlinuz-" + release());
        byte[] real = Files.readAllBytes(image);
        byte[] other = real.clone();
        other[other.length - 1] ^= 1;
        Map<String, String> before = modulesOf(b);
        Files.write(image, other);
        try {
            for (Reason reason : List.of(Reason.PACKAGE_EXACT, Reason.STALE_BUILD)) {
                Observation result =
                        only(b.installer().install(reuse(b, release(), reason), b.kernel(release()), false));

                assertThat(result).isInstanceOfSatisfying(InstallFailed.class, failed -> assertThat(failed.step())
                        .isEqualTo("verify"));
            }
            assertThat(modulesOf(b)).isEqualTo(before);
        } finally {
            Files.write(image, real);
        }
    }

    @Test
    @Order(12)
    void a_package_that_was_found_compatible_is_installed_for_another_image_where_nothing_speaks_against_it()
            throws Exception {
        Path image = b.root().at("/boot/vmlinuz-" + release());
        byte[] real = Files.readAllBytes(image);
        byte[] other = real.clone();
        other[other.length - 1] ^= 1;
        Files.write(image, other);
        try {
            Observation result = only(b.installer().install(shared(b, release()), b.kernel(release()), false));

            assertThat(result).isInstanceOfSatisfying(ModuleInstalled.class, installed -> assertThat(installed.target())
                    .isEqualTo(built.target()));
        } finally {
            Files.write(image, real);
        }
    }

    @Test
    @Order(13)
    void a_package_that_was_found_compatible_by_mistake_is_refused_by_the_host() throws Exception {
        String other = facts.getProperty("OTHER_KERNEL");
        assertThat(b.inspector().inspect().kernel(other)).isEmpty();
        KernelState another = another(b.kernel(release()), other);
        Path ofKernel = Files.createDirectories(b.root().at("/lib/modules/" + other + "/kernel"));
        byte[] module = Files.readAllBytes(
                b.root().at(b.kernel(release()).modules().get(0).file()));
        Files.write(ofKernel.resolve("of-the-kernel.ko"), replaced(module, " SMP preempt ", " SMP         "));
        Path symvers = b.root().at("/lib/modules/" + other + "/build");

        InstallFailed otherFlags = (InstallFailed) only(b.installer().install(shared(b, other), another, false));
        Files.write(ofKernel.resolve("of-the-kernel.ko"), module);
        Files.createDirectories(symvers);
        Files.writeString(symvers.resolve("Module.symvers"), "0x00000000\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n");
        InstallFailed otherCrc = (InstallFailed) only(b.installer().install(shared(b, other), another, false));

        assertThat(otherFlags.step()).isEqualTo("verify");
        assertThat(otherFlags.error()).contains("it is for a kernel with 'SMP preempt mod_unload");
        assertThat(otherCrc.error()).contains("in it, and ", " in " + other);
    }

    @Test
    @Order(14)
    void what_a_kernel_exports_is_read_where_its_headers_are_and_fits_into_one_record() {
        KernelExports exports = new KernelExports(a.root());

        KernelInterface all = exports.of(release(), Integer.MAX_VALUE).orElseThrow();
        KernelInterface sent = exports.of(release(), 700_000).orElseThrow();

        assertThat(all.crcs().size()).isGreaterThan(20_000);
        assertThat(all.crcs().keySet().containsAll(List.of("module_layout", "video_ioctl2")))
                .isTrue();
        assertThat(sent.crcs().containsKey("module_layout")).isTrue();
        assertThat(sent.crcs().size()).isLessThan(all.crcs().size());
        assertThat(FleetJson.writeBytes(sent).length).isBetween(690_000, 700_200);
        assertThat(all.moduleSize()).isEqualTo(sent.moduleSize()).isPositive();
        assertThat(new KernelExports(b.root()).of(release(), Integer.MAX_VALUE)).isEmpty();
    }

    @Test
    @Order(15)
    void a_module_that_is_missing_from_the_initramfs_comes_into_it() throws Exception {
        put(b, "update-initramfs", "echo \"$@\" $(cat /usr/share/initramfs-tools/modules.d/*) > /told");

        Optional<LoadFailed> refused =
                b.activator().activate(keep(b, Decision.Keep.NOT_IN_INITRAMFS), b.kernel(release()), Map.of());

        assertThat(refused).isEmpty();
        assertThat(b.root().at("/told")).hasContent("-u -k " + release() + " " + module());
    }

    @Test
    @Order(16)
    void a_module_that_the_running_kernel_refuses_is_reported_in_the_words_of_modprobe_with_the_package_it_came_in()
            throws Exception {
        String words = "modprobe: ERROR: could not insert '" + module() + "': Exec format error";
        put(b, "modprobe", "echo \"" + words + "\" >&2; exit 1");

        LoadFailed refused = activateAsIfRunning(keep(b, Decision.Keep.NOT_LOADED), recordOf(b))
                .orElseThrow();

        assertThat(refused.error()).startsWith(words);
        assertThat(refused.target()).isEqualTo(built.target());
        assertThat(refused.packageDigest()).isEqualTo(built.packageDigest());
    }

    @Test
    @Order(17)
    void a_refused_module_that_the_agent_did_not_install_is_nobodys_package() throws Exception {
        assertThat(activateAsIfRunning(keep(b, Decision.Keep.NOT_LOADED), Map.of()))
                .isEmpty();
    }

    @Test
    @Order(18)
    void an_initramfs_that_cannot_be_made_does_not_keep_a_module_from_being_loaded() throws Exception {
        put(b, "update-initramfs", "exit 1");
        put(b, "modprobe", "echo \"$@\" > /loaded");

        activateAsIfRunning(keep(b, Decision.Keep.NOT_IN_INITRAMFS), recordOf(b));

        assertThat(b.root().at("/loaded")).hasContent(module());
    }

    @Test
    @Order(19)
    void a_package_that_the_running_kernel_refuses_stands_installed_and_is_told_of() throws Exception {
        put(b, "update-initramfs", "exit 0");
        put(b, "modprobe", "echo \"modprobe: ERROR: Exec format error\" >&2; exit 1");

        Installer.Result result =
                b.installer().install(reuse(b, built), Kernels.asIfRunning(b.kernel(release())), false);

        assertThat(result.observations()).hasSize(2);
        assertThat(result.observations().get(0))
                .isInstanceOfSatisfying(ModuleInstalled.class, installed -> assertThat(installed.proof())
                        .isEqualTo(Proof.INSTALL));
        assertThat(result.observations().get(1)).isInstanceOfSatisfying(LoadFailed.class, refused -> {
            assertThat(refused.error()).startsWith("modprobe: ERROR: Exec format error");
            assertThat(refused.packageDigest()).isEqualTo(built.packageDigest());
        });
        assertThat(b.kernel(release()).modules())
                .extracting(InstalledModule::body)
                .isEqualTo(result.bodies());
    }

    @Test
    @Order(22)
    void bytes_that_changed_on_the_way_are_not_installed() throws Exception {
        Map<String, String> before = modulesOf(b);
        store.damage("packages", built.packageDigest());

        InstallFailed failed = (InstallFailed) b.installer()
                .install(reuse(b, built), b.kernel(release()), false)
                .observations()
                .get(0);

        assertThat(failed.step()).isEqualTo("fetch");
        assertThat(modulesOf(b)).isEqualTo(before);
    }

    @Test
    @Order(20)
    void where_an_initramfs_that_holds_the_module_cannot_be_made_the_module_of_before_stays() throws Exception {
        put(b, "update-initramfs", "exit 1");
        Map<String, String> before = modulesOf(b);

        InstallFailed failed = (InstallFailed) only(b.installer().install(reuse(b, built), b.kernel(release()), false));

        assertThat(failed.step()).startsWith("update-initramfs -u -k");
        assertThat(modulesOf(b)).isEqualTo(before);
    }

    @Test
    @Order(21)
    void autoinstall_leaves_a_managed_module_alone_and_fails_no_kernel_package_and_by_hand_dkms_works()
            throws Exception {
        assertThat(dkms(a, "uninstall")).isZero();
        assertThat(dkms(a, "unbuild")).isZero();
        Path make = a.root().program("make").orElseThrow();
        Path elsewhere = Files.move(make, make.resolveSibling("make.elsewhere"));
        try {
            assertThat(autoinstall(a)).isZero();
            Dkms dkms = new Dkms(a.root(), new HostPrograms(a.root()), work);
            assertThat(dkms.heldBack()).hasSize(1);
            dkms.giveBack();
            assertThat(autoinstall(a)).isEqualTo(11);
        } finally {
            Files.move(elsewhere, make);
        }
        assertThat(dkms(a, "install")).isZero();
        assertThat(status(a)).contains("installed");
        assertThat(dkms(a, "remove")).isZero();
    }

    private int dkms(Host host, String action) throws Exception {
        return new HostPrograms(host.root())
                .run(
                        Duration.ofMinutes(2),
                        List.of("dkms", action, "-m", module(), "-v", version(), "-k", release(), "-a", "x86_64"))
                .exitCode();
    }

    /** As the hook of a kernel package does. */
    private int autoinstall(Host host) throws Exception {
        return new HostPrograms(host.root())
                .run(Duration.ofMinutes(2), List.of("dkms", "autoinstall", "--kernelver", release()))
                .exitCode();
    }

    private static Observation only(Installer.Result result) {
        assertThat(result.observations()).hasSize(1);
        return result.observations().get(0);
    }

    private Decision.Build order(Host host, Digest of) {
        return new Decision.Build(
                new DecisionId(++decisions, 0),
                subject(host),
                Reason.NO_PACKAGE,
                target(host, of),
                version(),
                List.of());
    }

    private Decision.Reuse reuse(Host host, BuildSucceeded build) {
        return new Decision.Reuse(
                new DecisionId(++decisions, 0),
                subject(host),
                Reason.PACKAGE_EXACT,
                build.target(),
                version(),
                build.packageDigest(),
                Proof.INSTALL,
                List.of());
    }

    /** The package that was built, for a kernel of another image. */
    private Decision.Reuse shared(Host host, String release) {
        return reuse(host, release, Reason.PACKAGE_COMPATIBLE);
    }

    private Decision.Reuse reuse(Host host, String release, Reason reason) {
        return new Decision.Reuse(
                new DecisionId(++decisions, 0),
                new Subject(host.id(), release, module()),
                reason,
                built.target(),
                version(),
                built.packageDigest(),
                Proof.INSTALL,
                List.of());
    }

    /** No kernel of a host root runs here. */
    private Optional<LoadFailed> activateAsIfRunning(Decision.Keep order, Map<Digest, InstallRecord> installed)
            throws Exception {
        return b.activator().activate(order, Kernels.asIfRunning(b.kernel(release())), installed);
    }

    private Map<Digest, InstallRecord> recordOf(Host host) {
        Digest body = host.kernel(release()).modules().get(0).body();
        return Map.of(body, new InstallRecord(body, version(), built.target(), built.packageDigest()));
    }

    /** A program that goes before the root's own. */
    private static void put(Host host, String name, String script) throws IOException {
        Path program = host.root().at("/usr/local/sbin").resolve(name);
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Decision.Keep keep(Host host, String missing) {
        return new Decision.Keep(
                new DecisionId(++decisions, 0),
                subject(host),
                Reason.NOT_ACTIVATED,
                List.of(Fact.of(Decision.Keep.MISSING, missing)));
    }

    private static KernelState another(KernelState kernel, String release) {
        KernelIdentity same = kernel.identity();
        return Kernels.changed(
                kernel,
                new KernelIdentity(same.arch(), release, same.version(), same.image(), same.config(), same.buildId()),
                false);
    }

    private static byte[] replaced(byte[] file, String what, String by) {
        String text = new String(file, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(what);
        return text.replace(what, by).getBytes(StandardCharsets.ISO_8859_1);
    }

    private Subject subject(Host host) {
        return new Subject(host.id(), release(), module());
    }

    private BuildTarget target(Host host, Digest of) {
        return new BuildTarget(
                of,
                "x86_64",
                release(),
                host.kernel(release()).identity().image().orElseThrow());
    }

    private String release() {
        return facts.getProperty("KERNEL");
    }

    private String module() {
        return facts.getProperty("MODULE");
    }

    private String version() {
        return facts.getProperty("MODULE_VERSION");
    }

    private String status(Host host) throws IOException, InterruptedException {
        return new HostPrograms(host.root())
                .run(Duration.ofMinutes(1), List.of("dkms", "status"))
                .output();
    }

    private static Map<String, String> modulesOf(Host host) {
        Map<String, String> modules = new TreeMap<>();
        host.inspector().inspect().kernels().forEach(kernel -> kernel.modules()
                .forEach(module -> modules.put(module.file(), module.body().toString())));
        return modules;
    }

    private byte[] changed(String path, String appended) throws Exception {
        List<SourceFile> files = new ArrayList<>();
        for (SourceFile file : SourcePackage.read(store.get("sources", source)).files()) {
            String text = new String(file.bytes(), StandardCharsets.UTF_8);
            files.add(
                    file.path().equals(path)
                            ? new SourceFile(
                                    path, (text + "\n" + appended).getBytes(StandardCharsets.UTF_8), file.program())
                            : file);
        }
        return SourcePackage.write(files);
    }

    private static List<SourceFile> filesOf(Path tree) throws IOException {
        List<SourceFile> files = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(tree)) {
            for (Path path : paths.filter(Files::isRegularFile).sorted().toList()) {
                files.add(new SourceFile(
                        tree.relativize(path).toString(), Files.readAllBytes(path), Files.isExecutable(path)));
            }
        }
        return files;
    }
}
