package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmodfleet.agent.Copies;
import io.kmodfleet.agent.Kernels;
import io.kmodfleet.agent.Needs;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Real builds with real dkms in a host root: what must come of them, what must not, and what they leave. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SourceBuildIT {

    private static final String WHOLE_MAP = """
            0000000000000000 A __per_cpu_start
            ffffffff81000000 T _text
            ffffffff81345670 T kfree
            """;

    private Path work;
    private Path directory;
    private HostRoot root;
    private String release;
    private final List<String> told = new CopyOnWriteArrayList<>();

    @BeforeAll
    void host(@TempDir(cleanup = CleanupMode.NEVER) Path temporary) throws Exception {
        Path roots = Needs.hostRoots();
        Properties facts = new Properties();
        try (var in = Files.newBufferedReader(roots.resolve("roots.env"))) {
            facts.load(in);
        }
        release = facts.getProperty("KERNEL");
        work = temporary;
        directory = Copies.of(roots.resolve("a"), work.resolve("host"));
        root = new HostRoot(directory);
    }

    @AfterAll
    void end() throws Exception {
        if (work != null) {
            Copies.delete(work);
        }
    }

    @AfterEach
    void nothing_is_left() throws IOException {
        assertThat(root.at("/var/lib/kmodfleet/build")).doesNotExist();
        Files.deleteIfExists(map());
        Files.deleteIfExists(root.at("/proc/kallsyms"));
        told.clear();
    }

    @Test
    void two_hosts_build_the_same_bytes_and_no_path_of_theirs_is_in_them() throws Exception {
        Files.writeString(map(), WHOLE_MAP);
        ModulePackage one = build(ToySource.readingAMap(), kernel());
        Path elsewhere = Files.move(directory, work.resolve("a-host-that-lies-elsewhere"));
        try {
            root = new HostRoot(elsewhere);
            Files.writeString(root.at("/etc/hostname"), "another\n");
            ModulePackage other = build(ToySource.readingAMap(), kernel());

            assertThat(other.manifest().modules().get(0).body())
                    .isEqualTo(one.manifest().modules().get(0).body());
            assertThat(new String(one.moduleFiles().get(0), StandardCharsets.ISO_8859_1))
                    .contains("/usr/src/kmf_toy-1.0/kmf_toy.c")
                    .doesNotContain("/var/lib/kmodfleet");
        } finally {
            Files.move(elsewhere, directory);
            root = new HostRoot(directory);
        }
    }

    @Test
    void a_build_leaves_the_hosts_own_dkms_as_it_was() throws Exception {
        Files.writeString(map(), WHOLE_MAP);
        Path tree = Files.createDirectories(root.at("/var/lib/dkms/kmf_toy/1.0/" + release + "/x86_64/module"));
        Files.writeString(tree.resolve("kmf_toy.ko"), "what a person built");
        Files.createDirectories(root.at("/usr/src/kmf_toy-1.0"));
        Files.writeString(root.at("/usr/src/kmf_toy-1.0").resolve("dkms.conf"), "what a person wrote");
        Map<String, Long> before = everything();

        build(ToySource.readingAMap(), kernel());

        assertThat(everything()).isEqualTo(before);
    }

    @Test
    void what_an_ended_build_left_is_gone_after_the_next() throws Exception {
        Files.writeString(map(), WHOLE_MAP);
        Path left = Files.createDirectories(root.at("/var/lib/kmodfleet/build/dkms/kmf_toy/1.0/build"));
        Files.writeString(left.resolve("half.o"), "half");
        assertThat(ScratchTree.leftover(root)).isPresent();

        build(ToySource.readingAMap(), kernel());

        assertThat(ScratchTree.leftover(root)).isEmpty();
    }

    @Test
    void the_log_is_told_while_the_build_runs_and_kept() throws Exception {
        Files.writeString(map(), WHOLE_MAP);

        build(ToySource.readingAMap(), kernel());

        assertThat(told)
                .contains("==> dkms build")
                .anyMatch(line -> line.contains("CC [M]") && line.contains("kmf_toy.o"));
        assertThat(Files.readString(work.resolve("state/build.log"))).contains("==> toolchain", "CC [M]", "==> check");
    }

    @Test
    void of_each_target_the_last_logs_are_kept() throws Exception {
        BuildLog log = new BuildLog(work.resolve("logs"), line -> {});
        for (int second = 0; second < 8; second++) {
            log.begin();
            log.add("build " + second);
            log.keep("toy-1.0", Clock.systemUTC().instant().plusSeconds(second));
        }
        log.keep("other-1.0", Clock.systemUTC().instant());

        try (Stream<Path> kept = Files.list(work.resolve("logs/build-logs"))) {
            List<String> names = kept.map(file -> file.getFileName().toString()).toList();
            assertThat(names).filteredOn(name -> name.startsWith("toy-1.0.")).hasSize(5);
            assertThat(names).filteredOn(name -> name.startsWith("other-1.0.")).hasSize(1);
        }
    }

    @Test
    void without_a_usable_map_a_module_that_reads_one_is_not_even_tried() throws Exception {
        assertThat(fault(ToySource.readingAMap(), kernel()))
                .hasMessageContaining("Expected a whole symbol map of kernel " + release)
                .extracting(BuildFault::failure)
                .isEqualTo(FailureClass.INFRASTRUCTURE);
        Files.writeString(map(), "0000000000000000 A __per_cpu_start\n");
        assertThat(fault(ToySource.readingAMap(), kernel())).hasMessageContaining("Expected a whole symbol map");
        assertThat(told).doesNotContain("==> dkms build");
    }

    @Test
    void the_running_kernels_own_symbols_serve_where_boot_has_a_stub_and_the_stub_stays() throws Exception {
        byte[] stub = Files.readAllBytes(root.at("/boot/System.map-" + release));
        Files.writeString(root.at("/proc/kallsyms"), WHOLE_MAP.replace("ffffffff81", "ffffffffa5"));

        ModulePackage built = build(ToySource.readingAMap(), Kernels.asIfRunning(kernel()));

        assertThat(recorded(built)).isEqualTo("0xffffffff81345670");
        assertThat(root.at("/boot/System.map-" + release)).hasBinaryContent(stub);
    }

    @Test
    void the_running_kernels_own_symbols_serve_where_boot_has_no_map_at_all() throws Exception {
        Path stub = root.at("/boot/System.map-" + release);
        Path elsewhere = Files.move(stub, work.resolve("stub"));
        try {
            Files.writeString(root.at("/proc/kallsyms"), WHOLE_MAP.replace("ffffffff81", "ffffffffa5"));

            assertThat(recorded(build(ToySource.readingAMap(), Kernels.asIfRunning(kernel()))))
                    .isEqualTo("0xffffffff81345670");
            assertThat(stub).doesNotExist();
        } finally {
            Files.move(elsewhere, stub);
        }
    }

    @Test
    void a_kernel_that_hides_its_symbols_gives_no_module() throws Exception {
        Files.writeString(root.at("/proc/kallsyms"), WHOLE_MAP.replaceAll("(?m)^[0-9a-f]{16}", "0000000000000000"));

        assertThat(fault(ToySource.readingAMap(), Kernels.asIfRunning(kernel())))
                .hasMessageContaining("kernel.kptr_restrict");
    }

    @Test
    void a_symbol_that_stands_twice_in_the_map_never_becomes_a_package() throws Exception {
        Files.writeString(map(), WHOLE_MAP + "ffffffff81999990 t kfree\n");

        assertThat(fault(ToySource.readingAMap(), kernel()).failure()).isEqualTo(FailureClass.BUILD);
    }

    @Test
    void an_address_of_zero_never_becomes_a_package() throws Exception {
        SourcePackage zero = ToySource.with("#!/bin/sh\necho '#define KFREE_ADDR 0x0' >kernel-config.h\n");

        assertThat(fault(zero, kernel()))
                .hasMessageContaining("each is zero")
                .extracting(BuildFault::failure)
                .isEqualTo(FailureClass.BUILD);
    }

    @Test
    void a_compiler_that_says_yes_to_everything_is_not_believed() throws Exception {
        Path make = root.at("/usr/local/bin/make");
        Files.writeString(
                make, "#!/bin/sh\nfor a; do case $a in M=*) touch \"${a#M=}/probe.ko\";; esac; done\nexit 0\n");
        Files.setPosixFilePermissions(make, PosixFilePermissions.fromString("rwxr-xr-x"));
        try {
            assertThat(fault(ToySource.with("#!/bin/sh\n"), kernel()))
                    .hasMessageContaining("Expected the compiler to refuse")
                    .extracting(BuildFault::failure)
                    .isEqualTo(FailureClass.INFRASTRUCTURE);
        } finally {
            Files.delete(make);
        }
    }

    @Test
    void a_compiler_that_builds_nothing_is_no_fault_of_the_source() throws Exception {
        Path kbuild = root.at("/lib/modules/" + release + "/build/Makefile");
        String real = Files.readString(kbuild);
        Files.writeString(kbuild, "modules:\n\t@echo 'gcc: error: no such option' >&2; exit 2\n");
        try {
            assertThat(fault(ToySource.with("#!/bin/sh\n"), kernel()))
                    .hasMessageContaining("a module of six lines")
                    .hasMessageContaining("gcc: error: no such option")
                    .extracting(BuildFault::failure)
                    .isEqualTo(FailureClass.INFRASTRUCTURE);
        } finally {
            Files.writeString(kbuild, real);
        }
    }

    @Test
    void a_build_that_takes_too_long_is_ended_with_everything_it_started() throws Exception {
        String mark = "98765." + ProcessHandle.current().pid();
        SourcePackage slow = ToySource.with("#!/bin/sh\nsleep " + mark + " & sleep " + mark + "\n");

        BuildFault fault = fault(slow, kernel(), Duration.ofSeconds(8));

        assertThat(fault).hasMessageContaining("was ended");
        assertThat(fault.failure()).isEqualTo(FailureClass.INFRASTRUCTURE);
        Thread.sleep(500);
        assertThat(ProcessHandle.allProcesses().filter(process -> process.info()
                        .arguments()
                        .map(List::of)
                        .orElse(List.of())
                        .contains(mark)))
                .isEmpty();
    }

    private ModulePackage build(SourcePackage source, KernelState kernel) throws Exception {
        return ModulePackage.read(run(source, kernel, Duration.ofMinutes(5)).archive());
    }

    private BuildFault fault(SourcePackage source, KernelState kernel) {
        return fault(source, kernel, Duration.ofMinutes(5));
    }

    private BuildFault fault(SourcePackage source, KernelState kernel, Duration limit) {
        BuildFault fault = catchThrowableOfType(BuildFault.class, () -> run(source, kernel, limit));
        assertThat(fault).isNotNull();
        return fault;
    }

    private SourceBuild.Built run(SourcePackage source, KernelState kernel, Duration limit) throws Exception {
        Path state = Files.createDirectories(work.resolve("state"));
        HostPrograms programs = new HostPrograms(root);
        BuildLog log = new BuildLog(state, told::add);
        log.begin();
        return new SourceBuild(root, programs, new Dkms(root, programs, state), limit, Clock.systemUTC())
                .build(source, kernel, Kernels.HOST, Optional.empty(), log);
    }

    private KernelState kernel() {
        return new HostInspector(root, false, Optional.empty(), Map::of)
                .inspect()
                .kernel(release)
                .orElseThrow();
    }

    private Path map() {
        return root.at("/lib/modules/" + release + "/System.map");
    }

    private static String recorded(ModulePackage built) throws Exception {
        return ModuleFile.read(built.moduleFiles().get(0))
                .info()
                .values()
                .get("recorded")
                .get(0);
    }

    /** What dkms might change, with the times of last change. */
    private Map<String, Long> everything() throws IOException {
        Map<String, Long> files = new TreeMap<>();
        for (String place : List.of("/var/lib/dkms", "/usr/src", "/lib/modules", "/etc", "/boot", "/root")) {
            try (Stream<Path> paths = Files.walk(root.at(place))) {
                for (Path path : paths.toList()) {
                    files.put(
                            path.toString(),
                            Files.getLastModifiedTime(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)
                                    .toMillis());
                }
            }
        }
        return files;
    }
}
