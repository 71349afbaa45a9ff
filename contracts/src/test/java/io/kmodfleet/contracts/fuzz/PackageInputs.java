package io.kmodfleet.contracts.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.DkmsConf;
import io.kmodfleet.contracts.pack.DkmsTarball;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.PackageFixture;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** What comes as an archive, or as {@code dkms.conf} in one. Given a tar, it is compressed first, as an attacker would. */
final class PackageInputs {

    private PackageInputs() {}

    /** A built module; given no archive, it is the manifest of a package that is good otherwise. */
    public static final class Packages implements HostileInput {

        @Override
        public List<byte[]> seeds() throws IOException {
            byte[] archive = PackageFixture.archive();
            return List.of(
                    archive,
                    unzipped(archive),
                    FleetJson.writeBytes(PackageFixture.manifest(PackageFixture.module())),
                    "null".getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public void parse(byte[] bytes) throws Refusal {
            byte[] archive = Tar.isNone(bytes) ? withManifest(bytes) : Tar.zipped(bytes);
            ModulePackage read;
            try {
                read = ModulePackage.read(archive);
            } catch (Refusal e) {
                assertThat(e.evidence()).isNotEmpty();
                return;
            }
            ModulePackage again = ModulePackage.read(archive.clone());
            assertThat(again.manifest()).isEqualTo(read.manifest());
            assertThat(again.dkmsConf()).isEqualTo(read.dkmsConf());
            assertThat(again.moduleFiles()).hasSameSizeAs(read.moduleFiles());
            byte[] written = ModulePackage.write(read.manifest(), read.dkmsConf(), read.moduleFiles());
            assertThat(ModulePackage.read(written).manifest()).isEqualTo(read.manifest());
        }

        private static byte[] withManifest(byte[] manifest) {
            Map<String, byte[]> members = new LinkedHashMap<>();
            members.put("manifest.json", manifest);
            members.put("dkms.conf", PackageFixture.DKMS_CONF);
            members.put("install.sh", new byte[0]);
            members.put("module/toy.ko", PackageFixture.module());
            return Tar.zipped(Tar.of(members));
        }
    }

    /** A source package. */
    public static final class Sources implements HostileInput {

        @Override
        public List<byte[]> seeds() throws IOException {
            byte[] deep = SourcePackage.write(List.of(
                    new SourceFile("dkms.conf", PackageFixture.DKMS_CONF, false),
                    new SourceFile("a/".repeat(80) + "toy.c", new byte[600], true)));
            return List.of(
                    PackageFixture.SOURCE, unzipped(PackageFixture.SOURCE), deep, unzipped(deep), new byte[1024]);
        }

        @Override
        public void parse(byte[] bytes) throws Refusal {
            byte[] archive = Tar.zipped(bytes);
            SourcePackage read;
            try {
                read = SourcePackage.read(archive);
            } catch (Refusal e) {
                assertThat(e.evidence()).isNotEmpty();
                return;
            }
            assertSame(read, SourcePackage.read(archive.clone()));
            assertSame(read, SourcePackage.read(SourcePackage.write(read.files())));
            for (SourceFile file : read.files()) {
                assertThat(file.path()).doesNotStartWith("/");
                assertThat(file.path().split("/", -1)).doesNotContain("", ".", "..");
            }
        }

        private static void assertSame(SourcePackage one, SourcePackage other) {
            assertThat(other.conf()).isEqualTo(one.conf());
            assertThat(texts(other)).containsExactlyInAnyOrderElementsOf(texts(one));
        }

        private static List<String> texts(SourcePackage source) {
            return source.files().stream()
                    .map(file -> file.path() + " " + file.program() + " "
                            + new String(file.bytes(), StandardCharsets.ISO_8859_1))
                    .toList();
        }
    }

    /** What {@code dkms mktarball} packs. */
    public static final class DkmsTarballs implements HostileInput {

        @Override
        public List<byte[]> seeds() {
            List<byte[]> seeds = new ArrayList<>();
            for (String conf : List.of("dkms_source_tree/dkms.conf", "./dkms_binaries_only/dkms.conf")) {
                Map<String, byte[]> members = new LinkedHashMap<>();
                members.put(conf, PackageFixture.DKMS_CONF);
                members.put(
                        "./dkms_main_tree/6.1.0-56-amd64/x86_64/module/toy.ko.xz",
                        ModuleFixture.module("toy", "6.1.0-56-amd64").bytes());
                members.put("dkms_main_tree/dkms_dbversion", "2.0".getBytes(StandardCharsets.UTF_8));
                seeds.add(Tar.of(members));
                seeds.add(Tar.zipped(Tar.of(members)));
            }
            return seeds;
        }

        @Override
        public void parse(byte[] bytes) throws Refusal {
            byte[] archive = Tar.zipped(bytes);
            DkmsTarball read;
            try {
                read = DkmsTarball.read(archive);
            } catch (Refusal e) {
                assertThat(e.evidence()).isNotEmpty();
                return;
            }
            DkmsTarball again = DkmsTarball.read(archive.clone());
            assertThat(again.conf()).isEqualTo(read.conf());
            assertThat(again.modules()).hasSameSizeAs(read.modules());
            read.modules().forEach(module -> assertThat(module.file()).matches("[A-Za-z0-9_-]+\\.ko(\\.\\w+)?"));
        }
    }

    /** {@code dkms.conf}. */
    public static final class DkmsConfs implements HostileInput {

        @Override
        public List<byte[]> seeds() {
            return List.of(
                    PackageFixture.DKMS_CONF,
                    """
                    PACKAGE_NAME=toy # a comment
                    PACKAGE_VERSION='1.0'
                    LONG="${PACKAGE_NAME}_$PACKAGE_NAME"
                    BUILT_MODULE_NAME="$LONG"
                    BUILT_MODULE_NAME[1]=other
                    MAKE[0]="make KVER=$kernelver"
                    """.getBytes(StandardCharsets.UTF_8),
                    ("PACKAGE_NAME=toy\nPACKAGE_VERSION=1\n" + "PACKAGE_NAME=$PACKAGE_NAME$PACKAGE_NAME\n".repeat(40))
                            .getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public void parse(byte[] bytes) throws Refusal {
            String text = new String(bytes, StandardCharsets.UTF_8);
            DkmsConf read;
            try {
                read = DkmsConf.parse(text);
            } catch (Refusal e) {
                assertThat(e.evidence()).isNotEmpty();
                return;
            }
            assertThat(DkmsConf.parse(text)).isEqualTo(read);
            Grammar.module(read.name());
            Grammar.version(read.version());
            read.modules().forEach(Grammar::module);
        }
    }

    private static byte[] unzipped(byte[] archive) throws IOException {
        return new GZIPInputStream(new ByteArrayInputStream(archive)).readAllBytes();
    }
}
