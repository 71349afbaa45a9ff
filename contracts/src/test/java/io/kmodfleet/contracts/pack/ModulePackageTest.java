package io.kmodfleet.contracts.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.contracts.pack.TarGz.Member;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;

class ModulePackageTest {

    private static final byte[] MODULE = PackageFixture.module();
    private static final PackageManifest MANIFEST = PackageFixture.manifest(MODULE);

    @Test
    void a_package_that_is_what_its_manifest_says_is_read() throws Exception {
        byte[] archive = PackageFixture.archive();

        ModulePackage read = ModulePackage.read(archive);

        assertThat(read.manifest()).isEqualTo(MANIFEST);
        assertThat(read.moduleFiles()).containsExactly(MODULE);
        assertThat(read.digest()).isEqualTo(Digest.of(archive));
    }

    @Test
    void the_same_content_gives_the_same_bytes() {
        assertThat(PackageFixture.archive()).isEqualTo(PackageFixture.archive());
    }

    @Test
    void a_package_cut_off_at_any_byte_is_refused() {
        byte[] archive = PackageFixture.archive();
        for (int length = 0; length < archive.length; length++) {
            byte[] cut = Arrays.copyOf(archive, length);
            assertThatExceptionOfType(Refusal.class).as("cut at %d", length).isThrownBy(() -> ModulePackage.read(cut));
        }
    }

    @Test
    void a_manifest_that_lies_about_the_module_is_refused() {
        PackagedModule truth = MANIFEST.modules().get(0);
        Digest other = Samples.digest("other");
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "toy", truth.file(), other, truth.body(), truth.vermagic(), truth.srcversion())),
                MODULE);
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "toy", truth.file(), truth.digest(), other, truth.vermagic(), truth.srcversion())),
                MODULE);
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "ext4", truth.file(), truth.digest(), truth.body(), truth.vermagic(), truth.srcversion())),
                MODULE);
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "toy",
                        truth.file(),
                        truth.digest(),
                        truth.body(),
                        truth.vermagic().strip(),
                        truth.srcversion())),
                MODULE);
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "toy", truth.file(), truth.digest(), truth.body(), truth.vermagic(), Optional.empty())),
                MODULE);
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "toy", "module/toy.ko.xz", truth.digest(), truth.body(), truth.vermagic(), truth.srcversion())),
                MODULE);
        refused(
                Rule.MANIFEST_LIES,
                claiming(new PackagedModule(
                        "toy",
                        "module/../../toy.ko",
                        truth.digest(),
                        truth.body(),
                        truth.vermagic(),
                        truth.srcversion())),
                MODULE);
    }

    @Test
    void a_module_for_another_kernel_or_machine_is_refused() {
        byte[] otherKernel = ModuleFixture.module("toy", "6.1.0-50-amd64").bytes();
        byte[] otherMachine =
                ModuleFixture.module("toy", "6.1.0-56-amd64").machine(183).bytes();

        refused(Rule.WRONG_KERNEL, PackageFixture.manifest(otherKernel), otherKernel);
        refused(Rule.WRONG_KERNEL, PackageFixture.manifest(otherMachine), otherMachine);
    }

    @Test
    void what_is_no_module_is_refused() {
        byte[] text = "#!/bin/sh\n".getBytes();

        refused(Rule.NOT_A_MODULE, PackageFixture.manifest(text), text);
    }

    @Test
    void a_package_holds_nothing_but_what_belongs_there() throws Exception {
        List<Member> right = new ArrayList<>(TarGz.read(PackageFixture.archive(), 1 << 20));
        assertRefused(Rule.WRONG_MEMBERS, with(right, new Member("post_install.sh", new byte[1], true)));
        assertRefused(Rule.WRONG_MEMBERS, with(right, new Member("../escape", new byte[1], false)));
        assertRefused(Rule.WRONG_MEMBERS, with(right, new Member("module/toy.ko", MODULE, false)));
        for (Member member : right) {
            List<Member> without = new ArrayList<>(right);
            without.remove(member);
            assertRefused(Rule.WRONG_MEMBERS, TarGz.write(without));
        }
    }

    @Test
    void what_is_no_manifest_is_refused() throws Exception {
        for (String json : List.of("null", "", "[]", "{}", "1", "{\"format\":1,\"modules\":[null]}")) {
            List<Member> members = new ArrayList<>(TarGz.read(PackageFixture.archive(), 1 << 20));
            members.set(0, new Member("manifest.json", json.getBytes(StandardCharsets.UTF_8), false));
            assertRefused(Rule.MANIFEST_UNREADABLE, TarGz.write(members));
        }
    }

    @Test
    void an_install_script_of_somebody_elses_is_refused() throws Exception {
        List<Member> members = new ArrayList<>();
        for (Member member : TarGz.read(PackageFixture.archive(), 1 << 20)) {
            members.add(
                    member.name().equals("install.sh")
                            ? new Member("install.sh", "#!/bin/sh\nrm -rf /\n".getBytes(), true)
                            : member);
        }
        assertRefused(Rule.MANIFEST_LIES, TarGz.write(members));
    }

    @Test
    void the_install_script_names_every_file_with_its_digest() throws Exception {
        String script =
                new String(TarGz.read(PackageFixture.archive(), 1 << 20).get(2).bytes(), StandardCharsets.UTF_8);

        assertThat(script)
                .contains("install_one module/toy.ko " + Digest.of(MODULE).hex() + "\ndepmod 6.1.0-56-amd64\n")
                .contains(Samples.digest("image").hex())
                .doesNotContain("@");
    }

    @Test
    void links_devices_and_directories_in_a_package_are_refused_or_passed_over() throws IOException {
        for (byte type : new byte[] {
            TarConstants.LF_LINK,
            TarConstants.LF_SYMLINK,
            TarConstants.LF_CHR,
            TarConstants.LF_BLK,
            TarConstants.LF_FIFO
        }) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new GZIPOutputStream(out))) {
                TarArchiveEntry entry = new TarArchiveEntry("manifest.json", type);
                entry.setLinkName("/etc/passwd");
                tar.putArchiveEntry(entry);
                tar.closeArchiveEntry();
            }
            assertRefused(Rule.WRONG_MEMBERS, out.toByteArray());
        }
    }

    @Test
    void a_bomb_is_refused_before_it_unfolds() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new GZIPOutputStream(out))) {
            TarArchiveEntry entry = new TarArchiveEntry("manifest.json");
            entry.setSize(300L << 20);
            tar.putArchiveEntry(entry);
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 300; i++) {
                tar.write(zeros);
            }
            tar.closeArchiveEntry();
        }
        assertRefused(Rule.TOO_LARGE, out.toByteArray());
    }

    @Test
    void a_manifest_with_an_unknown_field_is_unreadable() {
        byte[] manifest = new String(FleetJson.writeBytes(MANIFEST))
                .replaceFirst("\\{", "{\"hook\":\"x\",")
                .getBytes();
        assertRefused(
                Rule.MANIFEST_UNREADABLE,
                TarGz.write(List.of(
                        new Member("manifest.json", manifest, false),
                        new Member("dkms.conf", new byte[0], false),
                        new Member("install.sh", new byte[0], true))));
    }

    private static PackageManifest claiming(PackagedModule module) {
        return PackageFixture.with(MANIFEST.target(), MANIFEST.kernel(), module);
    }

    private static byte[] with(List<Member> members, Member more) {
        List<Member> all = new ArrayList<>(members);
        all.add(more);
        return TarGz.write(all);
    }

    private static void refused(Rule rule, PackageManifest manifest, byte[] module) {
        assertRefused(rule, ModulePackage.write(manifest, PackageFixture.DKMS_CONF, List.of(module)));
    }

    private static void assertRefused(Rule rule, byte[] archive) {
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> ModulePackage.read(archive))
                .satisfies(refusal -> assertThat(refusal.rule()).isEqualTo(rule))
                .withMessageContaining("Expected");
    }
}
