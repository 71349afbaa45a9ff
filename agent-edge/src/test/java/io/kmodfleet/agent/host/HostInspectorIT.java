package io.kmodfleet.agent.host;

import static io.kmodfleet.agent.Kernels.RELEASE;
import static io.kmodfleet.agent.Kernels.TARGET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Compiler;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.contracts.module.ModuleFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostInspectorIT {

    private static final String IMAGE = "/boot/vmlinuz-" + RELEASE;
    private static final String BUILD = "/lib/modules/" + RELEASE + "/build";

    @TempDir
    Path root;

    @BeforeEach
    void debian() throws IOException {
        file("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
        file("/etc/hostname", "backup-7\n");
        file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        Files.createDirectories(root.resolve("var/lib"));
    }

    @Test
    void a_kernel_is_told_by_the_digest_of_its_image_and_by_its_version_string() throws IOException {
        byte[] image = KernelImageFileTest.image(0x3000);
        file(IMAGE, image);

        KernelState kernel = kernel();

        assertThat(kernel.identity().image()).contains(Digest.of(image));
        assertThat(kernel.identity().version().orElseThrow()).contains("Debian 6.1.176-1");
        assertThat(kernel.running()).isFalse();
    }

    @Test
    void an_image_exchanged_within_its_release_is_another_one_also_with_the_old_size_and_time() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        HostInspector inspector = inspector();
        Optional<Digest> before =
                inspector.inspect().kernel(RELEASE).orElseThrow().identity().image();
        FileTime time = Files.getLastModifiedTime(root.resolve("." + IMAGE));
        file(IMAGE, KernelImageFileTest.image(0x3001));
        Files.setLastModifiedTime(root.resolve("." + IMAGE), time);

        Optional<Digest> after =
                inspector.inspect().kernel(RELEASE).orElseThrow().identity().image();

        assertThat(after).isPresent().isNotEqualTo(before);
    }

    @Test
    void the_digest_is_remembered_over_a_restart_only_for_that_very_file(@TempDir Path state) throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        Optional<Digest> first =
                inspector(state).inspect().kernels().get(0).identity().image();
        assertThat(state.resolve("digests.json")).exists();

        assertThat(inspector(state).inspect().kernels().get(0).identity().image())
                .isEqualTo(first);
        file(IMAGE, KernelImageFileTest.image(0x3001));
        assertThat(inspector(state).inspect().kernels().get(0).identity().image())
                .isNotEqualTo(first);
    }

    @Test
    void headers_behind_an_absolute_link_are_found_inside_the_root() throws IOException {
        file("/usr/src/linux-headers-" + RELEASE + "/Makefile", "");
        file("/usr/src/linux-headers-" + RELEASE + "/Module.symvers", "");
        Files.createDirectories(root.resolve("." + BUILD).getParent());
        Files.createSymbolicLink(root.resolve("." + BUILD), Path.of("/usr/src/linux-headers-" + RELEASE));

        KernelState kernel = kernel();

        assertThat(kernel.checks()).allMatch(Check::passed);
        assertThat(kernel.headersInstalledAt()).isPresent();
        assertThat(kernel.identity().image()).isEmpty();
    }

    @Test
    void headers_that_several_kernels_share_are_no_kernel() throws IOException {
        file("/usr/src/linux-headers-6.1.0-50-common/Makefile", "");

        assertThat(inspector().inspect().kernels()).isEmpty();
    }

    @Test
    void a_directory_left_over_from_a_removed_kernel_is_no_kernel() throws IOException {
        file("/lib/modules/6.1.0-49-amd64/updates/dkms/old.ko", "");
        Files.createDirectories(root.resolve("lib/modules/6.1.0-48-amd64"));

        assertThat(inspector().inspect().kernels()).isEmpty();
    }

    @Test
    void what_a_package_manager_is_just_unpacking_is_no_kernel_of_its_own() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        file(IMAGE + ".dpkg-new", "half of an image");
        file(IMAGE + ".dpkg-bak", "");
        file("/boot/vmlinuz-5.14.0-503.el9.x86_64;673f1a2b", "");

        assertThat(inspector().inspect().kernels()).hasSize(1);
    }

    @Test
    void each_missing_piece_comes_with_the_command_that_supplies_it() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));

        HostReport report = inspector().inspect();

        assertThat(remedy(report.checks(), Piece.DKMS)).isEqualTo("apt-get install dkms");
        assertThat(remedy(report.checks(), Piece.COMPILER)).isEqualTo("apt-get install gcc");
        assertThat(remedy(report.checks(), Piece.MAKE)).isEqualTo("apt-get install make");
        assertThat(remedy(report.kernels().get(0).checks(), Piece.HEADERS))
                .isEqualTo("apt-get install linux-headers-" + RELEASE);
    }

    @Test
    void a_compiler_of_any_name_counts() throws IOException {
        program("/usr/bin/gcc-12");
        Files.createSymbolicLink(root.resolve("usr/bin/cc"), Path.of("/etc/alternatives/cc"));
        Files.createDirectories(root.resolve("etc/alternatives"));
        Files.createSymbolicLink(root.resolve("etc/alternatives/cc"), Path.of("/usr/bin/gcc-12"));

        assertThat(inspector().inspect().checks())
                .filteredOn(check -> check.piece() == Piece.COMPILER)
                .allMatch(Check::passed);
    }

    @Test
    void a_map_without_kernel_text_is_a_stub_though_it_has_the_word_that_a_module_looks_for() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        file("/boot/System.map-" + RELEASE, "0000000000000000 A __per_cpu_start\n");
        assertThat(kernel().symbolMap()).isEqualTo(SymbolMap.STUB);

        file("/boot/System.map-" + RELEASE, "0000000000000000 A __per_cpu_start\nffffffff81000000 T _text\n");
        assertThat(kernel().symbolMap()).isEqualTo(SymbolMap.USABLE);
    }

    @Test
    void an_image_was_installed_when_dpkg_says_so_and_not_when_it_was_made() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        Files.setLastModifiedTime(root.resolve("." + IMAGE), FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));
        assertThat(kernel().imageInstalledAt().orElseThrow()).isAfter(Instant.parse("2026-01-01T00:00:00Z"));

        Instant installed = Instant.parse("2026-06-01T12:00:00Z");
        file("/var/lib/dpkg/info/linux-image-" + RELEASE + ".list", "");
        Files.setLastModifiedTime(
                root.resolve("var/lib/dpkg/info/linux-image-" + RELEASE + ".list"), FileTime.from(installed));

        assertThat(kernel().imageInstalledAt()).contains(installed);
    }

    @Test
    void junk_instead_of_files_is_left_out_and_ends_nothing() throws IOException {
        byte[] junk = new byte[300];
        new java.util.Random(1).nextBytes(junk);
        file("/etc/os-release", junk);
        file("/etc/hostname", junk);
        file("/bin/sh", new byte[] {1});
        file(IMAGE, junk);
        file("/boot/vmlinuz-$(reboot)", junk);
        file("/lib/modules/" + RELEASE + "/updates/junk.ko.xz", junk);
        file("/lib/modules/" + RELEASE + "/updates/.half.ko.new", junk);
        Files.createDirectories(root.resolve("boot/System.map-" + RELEASE));

        KernelState kernel = kernel();

        assertThat(kernel.identity().version()).isEmpty();
        assertThat(kernel.modules()).isEmpty();
        assertThat(kernel.symbolMap()).isEqualTo(SymbolMap.MISSING);
    }

    @Test
    void a_module_is_known_by_its_body_and_what_it_was_built_for_only_where_the_agent_installed_it() throws Exception {
        byte[] module = ModuleFixture.module("toy", RELEASE).bytes();
        file(IMAGE, KernelImageFileTest.image(0x3000));
        file("/lib/modules/" + RELEASE + "/updates/dkms/toy.ko", module);
        Digest body = Digest.of(module);
        InstallRecord record = new InstallRecord(body, "1.2", TARGET, Digest.of(new byte[0]));

        InstalledModule unknown = kernel().modules().get(0);
        InstalledModule known = new HostInspector(
                        new HostRoot(root), false, Optional.empty(), () -> Map.of(body, record))
                .inspect()
                .kernels()
                .get(0)
                .modules()
                .get(0);

        assertThat(unknown.body()).isEqualTo(body);
        assertThat(unknown.image()).isEmpty();
        assertThat(known.image()).contains(TARGET.image());
        assertThat(known.version()).contains("1.2");
        assertThat(known.loaded()).isFalse();
    }

    @Test
    void a_root_with_nothing_in_it_is_a_host_without_kernels(@TempDir Path empty) {
        HostReport report = new HostInspector(new HostRoot(empty), false, Optional.empty(), Map::of).inspect();

        assertThat(report.kernels()).isEmpty();
        assertThat(report.os().id()).isEqualTo("unknown");
    }

    @Test
    void a_host_without_a_machine_id_says_how_to_get_one() throws IOException {
        Files.delete(root.resolve("etc/machine-id"));

        assertThatThrownBy(() -> inspector().hostId()).hasMessageContaining("Run systemd-machine-id-setup");
    }

    @Test
    void looking_twice_at_an_unchanged_host_gives_the_same_report() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        HostInspector inspector = inspector();

        assertThat(inspector.inspect()).isEqualTo(inspector.inspect());
    }

    @Test
    void a_kernels_compiler_is_what_its_config_says_and_unknown_without_one() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        assertThat(kernel().compiler()).isEmpty();

        String text = "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0";
        file("/boot/config-" + RELEASE, "CONFIG_SMP=y\nCONFIG_CC_VERSION_TEXT=\"" + text + "\"\n");

        assertThat(kernel().compiler()).contains(new Compiler(text));
    }

    @Test
    void the_next_kernel_is_where_debians_link_leads() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        assertThat(kernel().nextBoot()).isEmpty();

        Files.createSymbolicLink(root.resolve("vmlinuz"), Path.of("boot/vmlinuz-" + RELEASE));
        assertThat(kernel().nextBoot()).contains(true);

        file("/boot/vmlinuz-6.1.0-99-amd64", KernelImageFileTest.image(0x3000));
        assertThat(inspector().inspect().kernel("6.1.0-99-amd64").orElseThrow().nextBoot())
                .contains(false);
    }

    @Test
    void links_that_disagree_or_lead_nowhere_say_nothing_of_the_next_kernel() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        file("/boot/vmlinuz-6.1.0-99-amd64", KernelImageFileTest.image(0x3000));
        Files.createSymbolicLink(root.resolve("vmlinuz"), Path.of("boot/vmlinuz-" + RELEASE));
        Files.createSymbolicLink(root.resolve("boot/vmlinuz"), Path.of("vmlinuz-6.1.0-99-amd64"));
        assertThat(kernel().nextBoot()).isEmpty();

        Files.delete(root.resolve("boot/vmlinuz-6.1.0-99-amd64"));
        assertThat(kernel().nextBoot()).isEmpty();
    }

    @Test
    void secure_boot_is_the_fifth_byte_of_the_firmwares_variable() throws IOException {
        assertThat(inspector().inspect().secureBoot()).isEmpty();

        String variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
        file(variable, new byte[] {6, 0, 0, 0, 1});
        assertThat(inspector().inspect().secureBoot()).contains(new SecureBoot(true, List.of()));
        file(variable, new byte[] {6, 0, 0, 0, 0});
        assertThat(inspector().inspect().secureBoot()).contains(new SecureBoot(false, List.of()));
        file(variable, new byte[] {6, 0});
        assertThat(inspector().inspect().secureBoot()).isEmpty();
    }

    @Test
    void a_compiler_that_does_not_say_its_version_is_left_out() throws IOException {
        program("/usr/bin/gcc");

        assertThat(inspector().inspect().compiler()).isEmpty();
    }

    @Test
    void without_a_program_that_lists_it_nothing_is_said_of_the_initramfs() throws IOException {
        file(IMAGE, KernelImageFileTest.image(0x3000));
        file("/boot/initrd.img-" + RELEASE, "");
        file(
                "/lib/modules/" + RELEASE + "/updates/toy.ko",
                ModuleFixture.module("toy", RELEASE).bytes());

        assertThat(kernel().modules().get(0).inInitramfs()).isEmpty();
    }

    private KernelState kernel() {
        return inspector().inspect().kernel(RELEASE).orElseThrow();
    }

    private HostInspector inspector() {
        return new HostInspector(new HostRoot(root), false, Optional.empty(), Map::of);
    }

    private HostInspector inspector(Path state) {
        return new HostInspector(new HostRoot(root), false, Optional.of(state), Map::of);
    }

    private static String remedy(List<Check> checks, Piece piece) {
        return checks.stream()
                .filter(check -> check.piece() == piece && !check.passed())
                .map(Check::remedy)
                .findFirst()
                .orElse("nothing is missing");
    }

    private void file(String path, String text) throws IOException {
        file(path, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private void file(String path, byte[] bytes) throws IOException {
        Path at = root.resolve("." + path).normalize();
        Files.createDirectories(at.getParent());
        Files.write(at, bytes);
    }

    private void program(String path) throws IOException {
        file(path, "");
        Files.setPosixFilePermissions(root.resolve("." + path), PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
