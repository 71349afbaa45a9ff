package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.Needs;
import io.kmodfleet.agent.host.DkmsEntry.State;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.SymbolMap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosts of every supported system, as far as an inspector sees them: a real kernel and modules in each system's places. */
class HostLayoutsIT {

    private static final String EL9 = "5.14.0-427.13.1.el9_4.x86_64";
    private static final String EL9_OLDER = "5.14.0-362.8.1.el9_3.x86_64";
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final Instant TUESDAY = MONDAY.plus(Duration.ofDays(1));

    private SystemTree tree;

    @BeforeEach
    void tree(@TempDir Path directory) throws IOException {
        tree = new SystemTree(directory, Needs.hostRoots().resolve("a"));
    }

    @Test
    void debian_12_has_a_stub_for_a_symbol_map_and_modules_below_updates_dkms() throws Exception {
        String release = "6.1.0-56-amd64";
        tree.debian()
                .image("/boot/vmlinuz-" + release)
                .config("/boot/config-" + release)
                .write("/boot/System.map-" + release, "ffffffffffffffff B The real System.map is in the -dbg package\n")
                .write("/boot/initrd.img-" + release, "")
                .link("/vmlinuz", "boot/vmlinuz-" + release)
                .headers(release, "/usr/src/linux-headers-" + release)
                .dpkg("linux-image-" + release, MONDAY)
                .dpkg("linux-headers-" + release, TUESDAY)
                .module("af_key", "/lib/modules/" + release + "/updates/dkms/af_key.ko");

        KernelState kernel = only(tree.inspector().inspect());

        assertThat(kernel.identity().version().orElseThrow()).contains("Debian");
        assertThat(kernel.symbolMap()).isEqualTo(SymbolMap.STUB);
        assertThat(kernel.imageInstalledAt()).contains(MONDAY);
        assertThat(kernel.headersInstalledAt()).contains(TUESDAY);
        assertThat(kernel.nextBoot()).contains(true);
        assertThat(kernel.compiler().orElseThrow().major()).isEqualTo("gcc 12");
    }

    @Test
    void each_ubuntu_is_read_with_its_own_compression_and_its_real_symbol_map() throws Exception {
        Map<String, String> suffixes = Map.of("20.04", ".ko", "22.04", ".ko", "24.04", ".ko.zst");
        for (String version : List.of("20.04", "22.04", "24.04")) {
            String release = Map.of(
                            "20.04", "5.15.0-139-generic", "22.04", "5.15.0-153-generic", "24.04", "6.8.0-62-generic")
                    .get(version);
            SystemTree ubuntu = new SystemTree(
                    Files.createDirectories(tree.root().resolve("ubuntu-" + version)),
                    Needs.hostRoots().resolve("a"));
            String file = "/lib/modules/" + release + "/updates/dkms/af_key" + suffixes.get(version);
            ubuntu.ubuntu(version, version + " LTS")
                    .image("/boot/vmlinuz-" + release)
                    .config("/boot/config-" + release)
                    .symbolMap("/boot/System.map-" + release)
                    .write("/boot/initrd.img-" + release, "")
                    .link("/boot/vmlinuz", "vmlinuz-" + release)
                    .headers(release, "/usr/src/linux-headers-" + release)
                    .dpkg("linux-image-" + release, MONDAY)
                    .dpkg("linux-modules-" + release, MONDAY)
                    .dpkg("linux-headers-" + release, TUESDAY)
                    .module("af_key", file);

            HostInspector inspector = ubuntu.inspector();
            HostReport report = inspector.inspect();
            KernelState kernel = only(report);
            InstalledModule module = kernel.modules().get(0);

            assertThat(report.os().versionId()).isEqualTo(version);
            assertThat(kernel.symbolMap()).as(version).isEqualTo(SymbolMap.USABLE);
            assertThat(kernel.initramfs()).isTrue();
            assertThat(kernel.nextBoot()).contains(true);
            assertThat(kernel.imageInstalledAt()).contains(MONDAY);
            assertThat(module.file()).isEqualTo(file);
            assertThat(module.signer()).contains(signerByModinfo());
            assertThat(inspector.detail(report, Set.of()).packages().get(release))
                    .extracting(KernelPackage::name)
                    .containsExactly("linux-image-" + release, "linux-headers-" + release, "linux-modules-" + release);
        }
    }

    @Test
    void centos_stream_9_is_read_from_the_modules_directory_the_boot_entries_and_the_rpm_database() throws Exception {
        long before = Instant.now().getEpochSecond();
        centos9();
        rpms("kernel-core", "kernel-modules-core", "kernel-devel", "kernel-headers");

        HostInspector inspector = tree.inspector();
        HostReport report = inspector.inspect();
        KernelState kernel = report.kernel(EL9).orElseThrow();

        assertThat(kernel.identity().image()).isPresent();
        assertThat(kernel.symbolMap()).isEqualTo(SymbolMap.USABLE);
        assertThat(kernel.initramfs()).isTrue();
        assertThat(kernel.compiler()).isPresent();
        assertThat(kernel.checks()).allMatch(Check::passed);
        assertThat(kernel.modules())
                .extracting(InstalledModule::file)
                .containsExactly("/lib/modules/" + EL9 + "/extra/af_key.ko.xz");
        assertThat(kernel.nextBoot()).contains(true);
        assertThat(report.kernel(EL9_OLDER).orElseThrow().nextBoot()).contains(false);
        assertThat(kernel.imageInstalledAt().orElseThrow())
                .isEqualTo(kernel.imageInstalledAt().orElseThrow().truncatedTo(ChronoUnit.SECONDS))
                .isAfterOrEqualTo(Instant.ofEpochSecond(before));
        assertThat(inspector.detail(report, Set.of()).packages().get(EL9))
                .extracting(KernelPackage::name, KernelPackage::kind)
                .contains(
                        org.assertj.core.groups.Tuple.tuple("kernel-core-" + EL9, KernelPackage.Kind.IMAGE),
                        org.assertj.core.groups.Tuple.tuple("kernel-devel-" + EL9, KernelPackage.Kind.HEADERS));
    }

    @Test
    void another_package_in_the_rpm_database_is_seen_at_the_next_look() throws Exception {
        centos9();
        rpms("kernel-core");
        HostInspector inspector = tree.inspector();
        HostReport report = inspector.inspect();
        assertThat(inspector.detail(report, Set.of()).packages().get(EL9)).hasSize(1);

        rpms("kernel-devel");

        assertThat(inspector.detail(inspector.inspect(), Set.of()).packages().get(EL9))
                .hasSize(2);
    }

    @Test
    void grub_takes_the_saved_entry_and_the_newest_where_none_is_saved() throws Exception {
        centos9();
        assertThat(tree.inspector().inspect().kernel(EL9).orElseThrow().nextBoot())
                .contains(true);

        tree.write("/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=" + entry(EL9_OLDER) + "\n#####\n");
        assertThat(tree.inspector().inspect().kernel(EL9_OLDER).orElseThrow().nextBoot())
                .contains(true);

        tree.write("/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=\nnext_entry=1\n#####\n");
        assertThat(tree.inspector().inspect().kernel(EL9_OLDER).orElseThrow().nextBoot())
                .contains(true);

        tree.write("/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=Windows\n#####\n");
        assertThat(tree.inspector().inspect().kernel(EL9).orElseThrow().nextBoot())
                .isEmpty();
    }

    @Test
    void centos_stream_8_without_a_copy_in_boot_still_has_its_kernel() throws Exception {
        String release = "4.18.0-553.el8.x86_64";
        tree.centosStream("8")
                .image("/lib/modules/" + release + "/vmlinuz")
                .config("/lib/modules/" + release + "/config")
                .symbolMap("/lib/modules/" + release + "/System.map")
                .module("af_key", "/lib/modules/" + release + "/extra/dattobd/af_key.ko.xz");

        HostReport report = tree.inspector().inspect();

        assertThat(only(report).identity().image()).isPresent();
        assertThat(only(report).modules()).hasSize(1);
        assertThat(report.checks())
                .filteredOn(check -> check.piece() == Check.Piece.DKMS)
                .extracting(Check::remedy)
                .containsExactly("dnf install epel-release && dnf install dkms");
    }

    @Test
    void what_dkms_has_added_built_installed_and_left_half_is_read_from_its_files() throws Exception {
        String release = "5.15.0-139-generic";
        String dkms = "/var/lib/dkms/toy";
        tree.ubuntu("20.04", "20.04.6 LTS (Focal Fossa)")
                .image("/boot/vmlinuz-" + release)
                .write("/usr/src/toy-1.0/dkms.conf", "PACKAGE_NAME=toy\n")
                .write("/usr/src/toy-1.1/dkms.conf", "PACKAGE_NAME=toy\n")
                .link(dkms + "/1.0/source", "/usr/src/toy-1.0")
                .link(dkms + "/1.1/source", "/usr/src/toy-1.1")
                .link(dkms + "/1.2/source", "/usr/src/toy-1.2")
                .module("af_key", dkms + "/1.0/" + release + "/x86_64/module/toy.ko")
                .link(dkms + "/kernel-" + release + "-x86_64", "1.0/" + release + "/x86_64")
                .module("af_key", "/lib/modules/" + release + "/updates/dkms/toy.ko")
                .module("af_key", dkms + "/1.0/5.15.0-140-generic/x86_64/module/toy.ko")
                .write(dkms + "/1.1/build/make.log", "cut off")
                .write(dkms + "/1.1/" + release + "/x86_64/log/make.log", "");

        List<DkmsEntry> entries = entries();

        assertThat(entries)
                .filteredOn(entry -> entry.fault().isEmpty())
                .extracting(DkmsEntry::version, entry -> entry.release().orElse("–"), DkmsEntry::state)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("1.0", release, State.INSTALLED),
                        org.assertj.core.groups.Tuple.tuple("1.0", "5.15.0-140-generic", State.BUILT));
        assertThat(entries)
                .filteredOn(entry -> entry.fault().isPresent())
                .extracting(entry -> entry.name() + ": " + entry.fault().orElseThrow())
                .containsExactly(
                        "toy/1.1: a build of it was cut off or failed: " + dkms + "/1.1/build is left over",
                        "toy/1.1, " + release + ", x86_64: there is no module file in " + dkms + "/1.1/" + release
                                + "/x86_64/module",
                        "toy/1.2: its source is gone: " + dkms + "/1.2/source has no dkms.conf");

        Files.delete(tree.root().resolve("lib/modules/" + release + "/updates/dkms/toy.ko"));
        assertThat(entries().get(0).fault().orElseThrow()).contains("counts as installed, but toy.ko is not below");
    }

    @Test
    void a_loaded_module_is_of_the_file_whose_source_version_and_build_id_the_kernel_shows() throws Exception {
        String release = "6.1.0-56-amd64";
        String updates = "/lib/modules/" + release + "/updates/";
        tree.debian()
                .image("/boot/vmlinuz-" + release)
                .module("af_key", updates + "dkms/af_key.ko")
                .module("vsock", updates + "vsock.ko");
        HostInspector inspector = tree.inspector();
        String version = inspector
                .inspect()
                .kernel(release)
                .orElseThrow()
                .identity()
                .version()
                .orElseThrow();
        tree.write("/proc/sys/kernel/osrelease", release + "\n")
                .write("/proc/sys/kernel/version", version.substring(version.indexOf('#')) + "\n");
        showAsLoaded("af_key");

        assertThat(loadedFiles(inspector)).containsExactly(updates + "dkms/af_key.ko");

        // The same file twice: modprobe took the one that modules.dep names.
        tree.module("af_key", updates + "af_key.ko")
                .write("/lib/modules/" + release + "/modules.dep", "updates/af_key.ko:\nkernel/net/key/af_key.ko:\n");
        assertThat(loadedFiles(inspector)).containsExactly(updates + "af_key.ko");

        // Built again since it was loaded: same source, other build.
        Path note = tree.root().resolve("sys/module/af_key/notes/.note.gnu.build-id");
        byte[] other = Files.readAllBytes(note);
        other[other.length - 1] ^= 1;
        Files.write(note, other);
        assertThat(loadedFiles(inspector)).isEmpty();
        assertThat(inspector.detail(inspector.inspect(), Set.of()).loaded())
                .extracting(HostDetail.Loaded::name)
                .containsExactly("af_key");
    }

    @Test
    void lockdown_is_the_word_in_brackets() throws Exception {
        tree.debian().write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        HostInspector inspector = tree.inspector();

        assertThat(inspector.detail(inspector.inspect(), Set.of()).lockdown()).contains("integrity");
    }

    private List<String> loadedFiles(HostInspector inspector) {
        return only(inspector.inspect()).modules().stream()
                .filter(InstalledModule::loaded)
                .map(InstalledModule::file)
                .toList();
    }

    /** As the kernel does it: the note of the module's own file. */
    private void showAsLoaded(String name) throws Exception {
        Path module = tree.moduleFile(name);
        Path note = tree.root().resolve("sys/module/" + name + "/notes/.note.gnu.build-id");
        Files.createDirectories(note.getParent());
        SystemTree.run(
                "objcopy", "-O", "binary", "--only-section=.note.gnu.build-id", module.toString(), note.toString());
        String srcversion = SystemTree.run("modinfo", "-F", "srcversion", module.toString());
        tree.write("/sys/module/" + name + "/srcversion", srcversion).write("/sys/module/" + name + "/refcnt", "2\n");
    }

    private String signerByModinfo() throws Exception {
        String file = tree.moduleFile("af_key").toString();
        return SystemTree.run("modinfo", "-F", "sig_key", file)
                .strip()
                .replace(":", "")
                .toLowerCase(Locale.ROOT);
    }

    private List<DkmsEntry> entries() {
        HostInspector inspector = tree.inspector();
        return inspector.detail(inspector.inspect(), Set.of()).dkms();
    }

    private void centos9() throws IOException {
        String modules = "/lib/modules/" + EL9;
        tree.centosStream("9")
                .image(modules + "/vmlinuz")
                .config(modules + "/config")
                .symbolMap(modules + "/System.map")
                .image("/boot/vmlinuz-" + EL9)
                .image("/boot/vmlinuz-" + EL9_OLDER)
                .write("/boot/initramfs-" + EL9 + ".img", "")
                .headers(EL9, "/usr/src/kernels/" + EL9)
                .module("af_key", modules + "/extra/af_key.ko.xz")
                .write("/boot/grub2/grubenv", "# GRUB Environment Block\nboot_success=1\n#####\n");
        for (String release : List.of(EL9, EL9_OLDER)) {
            tree.write("/boot/loader/entries/" + entry(release) + ".conf", """
                    title CentOS Stream (%1$s) 9
                    version %1$s
                    linux /vmlinuz-%1$s
                    initrd /initramfs-%1$s.img $tuned_initrd
                    options root=UUID=0f3bba03 ro
                    grub_class centos
                    """.formatted(release));
        }
        tree.write(
                "/boot/loader/entries/0123456789abcdef0123456789abcdef-0-rescue.conf",
                "title rescue\nversion 0-rescue\nlinux /vmlinuz-0-rescue-0123456789abcdef0123456789abcdef\n");
    }

    private static String entry(String release) {
        return "0123456789abcdef0123456789abcdef-" + release;
    }

    /** Made and installed with the real rpm, which then lies in the root as well. */
    private void rpms(String... names) throws Exception {
        Path rpmbuild = Files.createDirectories(tree.root().resolve("rpmbuild"));
        String version = EL9.substring(0, EL9.indexOf('-'));
        String release = EL9.substring(EL9.indexOf('-') + 1, EL9.lastIndexOf('.'));
        for (String name : names) {
            Path spec = rpmbuild.resolve(name + ".spec");
            Files.writeString(spec, """
                    Name: %s
                    Version: %s
                    Release: %s
                    Summary: A kernel
                    License: GPLv2
                    %%description
                    %%files
                    """.formatted(name, version, release));
            SystemTree.run(
                    "rpmbuild",
                    "--quiet",
                    "-bb",
                    "--target",
                    "x86_64",
                    "--define",
                    "_topdir " + rpmbuild,
                    spec.toString());
            String made =
                    rpmbuild.resolve("RPMS/x86_64/" + name + "-" + EL9 + ".rpm").toString();
            SystemTree.run("rpm", "--root", tree.root().toString(), "--dbpath", "/var/lib/rpm", "--nodeps", "-i", made);
        }
        if (Files.notExists(tree.root().resolve("usr/bin/rpm"))) {
            tree.program("/usr/bin/rpm").write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n");
            for (String file : List.of("rpmrc", "macros")) {
                tree.copy(Path.of("/usr/lib/rpm/" + file), "/usr/lib/rpm/" + file);
            }
        }
    }

    private static KernelState only(HostReport report) {
        assertThat(report.kernels()).hasSize(1);
        return report.kernels().get(0);
    }
}
