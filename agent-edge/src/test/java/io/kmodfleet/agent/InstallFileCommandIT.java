package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.dkms.ToySource;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code install-file} as an admin calls it, with a package and a module that another host really built. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InstallFileCommandIT {

    private Path work;
    private HostRoot builder;
    private HostRoot host;
    private String release;
    private Path packaged;
    private Path module;

    @BeforeAll
    void hosts(@TempDir(cleanup = CleanupMode.NEVER) Path temporary) throws Exception {
        Path roots = Needs.hostRoots();
        Properties facts = new Properties();
        try (var in = Files.newBufferedReader(roots.resolve("roots.env"))) {
            facts.load(in);
        }
        release = facts.getProperty("KERNEL");
        work = temporary;
        builder = new HostRoot(Copies.of(roots.resolve("a"), work.resolve("builder")));
        host = new HostRoot(Copies.of(roots.resolve("b"), work.resolve("host")));
        Path source = Files.write(
                work.resolve("source.tar.gz"),
                SourcePackage.write(
                        ToySource.with("#!/bin/sh\necho '#define KFREE_ADDR 0xffffffff81000010' >kernel-config.h\n")
                                .files()));
        Call built = Call.of(List.of(
                "build",
                "--root",
                builder.directory().toString(),
                "--state",
                state(builder),
                "--source",
                source.toString(),
                "--out",
                work.toString(),
                "-o",
                "json"));
        packaged = Path.of(built.json().get("file").asText());
        module = Files.write(
                work.resolve("kmf_toy.ko"),
                ModulePackage.read(Files.readAllBytes(packaged)).moduleFiles().get(0));
        Path initramfs = Files.writeString(
                host.at("/usr/local/sbin").resolve("update-initramfs"), "#!/bin/sh\necho \"$@\" >/told\n");
        Files.setPosixFilePermissions(initramfs, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(host.at("/boot").resolve("initrd.img-" + release), "an initramfs");
    }

    @AfterAll
    void end() throws Exception {
        if (work != null) {
            Copies.delete(work);
        }
    }

    @BeforeEach
    void nothing_is_installed() throws Exception {
        Path updates = host.at("/lib/modules/" + release + "/updates");
        if (Files.exists(updates)) {
            Copies.delete(updates);
        }
        Files.deleteIfExists(host.at("/told"));
        new HostPrograms(host).run(Duration.ofMinutes(1), List.of("depmod", release));
    }

    @Test
    void a_package_is_installed_for_its_kernel_and_comes_into_the_initramfs() throws Exception {
        Call call = install(packaged, "--yes");

        assertThat(call.code()).as(call.output() + call.errors()).isZero();
        assertThat(host.at("/lib/modules/" + release + "/updates/kmf_toy.ko"))
                .hasBinaryContent(Files.readAllBytes(module));
        assertThat(Files.readString(host.at("/lib/modules/" + release + "/modules.dep")))
                .contains("updates/kmf_toy.ko:");
        assertThat(host.at("/told")).hasContent("-u -k " + release);
    }

    @Test
    void a_single_module_file_is_installed_too() throws Exception {
        assertThat(install(module, "--yes", "--kernel", release).code()).isZero();

        assertThat(host.at("/lib/modules/" + release + "/updates/kmf_toy.ko")).exists();
    }

    @Test
    void a_dry_run_says_each_step_and_changes_nothing() throws Exception {
        Map<String, Long> before = files();

        Call call = install(packaged, "--dry-run");

        assertThat(call.code()).isZero();
        assertThat(call.output())
                .contains(
                        "would write /lib/modules/" + release + "/updates/kmf_toy.ko", "would run depmod", "initramfs");
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void where_nobody_can_be_asked_and_nobody_said_yes_nothing_is_done() throws Exception {
        Map<String, Long> before = files();

        assertThat(install(packaged).code()).isEqualTo(AgentCommand.REFUSED);
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void what_is_for_another_kernel_is_refused_with_both_names() throws Exception {
        Path other = changed("kmf_toy.ko", release, release.replace("-amd64", "-amd46"));

        refused(install(other, "--yes", "--kernel", release), "was built for " + release.replace("-amd64", "-amd46"));
        refused(install(other, "--yes"), "there are: " + release);
    }

    @Test
    void what_is_for_another_image_of_the_same_release_is_refused() throws Exception {
        Path image = host.at("/boot/vmlinuz-" + release);
        byte[] real = Files.readAllBytes(image);
        byte[] other = real.clone();
        other[other.length - 1] ^= 1;
        Files.write(image, other);
        try {
            refused(install(packaged, "--yes"), "another image of that release");
        } finally {
            Files.write(image, real);
        }
    }

    @Test
    void a_module_of_the_kernels_own_name_is_refused() throws Exception {
        byte[] own;
        try (Stream<Path> files = Files.walk(host.at("/lib/modules/" + release + "/kernel"))) {
            own = Files.readAllBytes(
                    files.filter(file -> file.endsWith("dummy.ko")).findFirst().orElseThrow());
        }

        refused(install(Files.write(work.resolve("dummy.ko"), own), "--yes"), "has a 'dummy' itself");
    }

    @Test
    void other_flags_of_the_kernel_are_refused() throws Exception {
        refused(install(changed("kmf_toy.ko", " SMP preempt ", " SMP         "), "--yes"), "Expected vermagic");
    }

    @Test
    void a_file_that_is_no_module_and_one_with_another_name_are_refused() throws Exception {
        refused(install(Files.writeString(work.resolve("junk.ko"), "junk"), "--yes"), "junk.ko");
        refused(install(Files.writeString(work.resolve("junk.tar.gz"), "junk"), "--yes"), "Expected");
        refused(
                install(Files.write(work.resolve("other.ko"), Files.readAllBytes(module)), "--yes"),
                "calls itself 'kmf_toy'");
    }

    @Test
    void where_dkms_has_the_source_it_knows_the_file_as_installed_and_another_version_is_refused() throws Exception {
        Path source = Files.createDirectories(builder.at("/usr/src/kmf_toy-1.0"));
        Files.writeString(
                source.resolve("dkms.conf"),
                "PACKAGE_NAME=kmf_toy\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=kmf_toy\nDEST_MODULE_LOCATION[0]=/updates\n");
        assertThat(dkms("add", "-m", "kmf_toy", "-v", "1.0")).contains("Creating symlink");

        Call call = onBuilder(packaged);

        assertThat(call.code()).as(call.output() + call.errors()).isZero();
        assertThat(dkms("status"))
                .contains("kmf_toy/1.0, " + release + ", x86_64: installed")
                .doesNotContain("WARNING");
        Files.move(
                builder.at("/var/lib/dkms/kmf_toy").resolve("1.0"),
                builder.at("/var/lib/dkms/kmf_toy").resolve("2.0"));
        assertThat(onBuilder(packaged).output()).contains("Expected version 2.0 of kmf_toy");
    }

    private static void refused(Call call, String because) {
        assertThat(call.output()).contains(because).contains("Nothing was changed");
        assertThat(call.code()).isEqualTo(AgentCommand.REFUSED);
    }

    private Call install(Path file, String... arguments) {
        List<String> line = new ArrayList<>(List.of(
                "install-file", file.toString(), "--root", host.directory().toString(), "--state", state(host)));
        line.addAll(List.of(arguments));
        return Call.of(line);
    }

    private Call onBuilder(Path file) {
        return Call.of(List.of(
                "install-file",
                file.toString(),
                "--yes",
                "--root",
                builder.directory().toString(),
                "--state",
                state(builder)));
    }

    private String state(HostRoot of) {
        return work.resolve("state-" + of.directory().getFileName()).toString();
    }

    private String dkms(String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of("dkms"));
        line.addAll(List.of(arguments));
        return new HostPrograms(builder).run(Duration.ofMinutes(1), line).output();
    }

    private Path changed(String name, String what, String by) throws IOException {
        String text = Files.readString(module, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(what);
        Path directory = Files.createTempDirectory(work, "changed");
        return Files.writeString(directory.resolve(name), text.replace(what, by), StandardCharsets.ISO_8859_1);
    }

    /** With the times of last change. */
    private Map<String, Long> files() throws IOException {
        Map<String, Long> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(host.at("/lib/modules/" + release), 3)) {
            for (Path path : paths.toList()) {
                files.put(path.toString(), Files.getLastModifiedTime(path).toMillis());
            }
        }
        return files;
    }
}
