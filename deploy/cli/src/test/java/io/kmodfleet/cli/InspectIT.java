package io.kmodfleet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.PackageFixture;
import io.kmodfleet.contracts.wire.FleetJson;
import io.quarkus.test.junit.main.LaunchResult;
import io.quarkus.test.junit.main.QuarkusMainLauncher;
import io.quarkus.test.junit.main.QuarkusMainTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A module, a package and a kernel's symbols, as they lie on disk. */
@QuarkusMainTest
class InspectIT {

    private static final ModuleFixture TOY = ModuleFixture.module("toy", "6.1.0-56-amd64")
            .with("version", "1.0")
            .with("description", "red \u001b[31m text")
            .importing("kfree", 7)
            .exporting("toy_open");

    private static final String KERNEL = """
            0xbb6dfbbd\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t
            0x0000000%s\tkfree\tvmlinux\tEXPORT_SYMBOL\t
            """;

    @TempDir
    Path directory;

    private QuarkusMainLauncher launcher;

    @BeforeEach
    void start(QuarkusMainLauncher launcher) {
        this.launcher = launcher;
    }

    @Test
    void a_module_says_what_it_is_and_what_it_needs() throws Exception {
        Path module = file("toy.ko", ModuleFixture.signed(TOY.bytes(), 415));

        LaunchResult told = launcher.launch("inspect", module.toString());
        JsonNode json = json(launcher.launch("inspect", module.toString(), "-o", "json"));

        assertThat(told.exitCode()).as(told.getErrorOutput()).isZero();
        assertThat(told.getOutput())
                .contains("toy 1.0 for kernel 6.1.0-56-amd64, x86_64")
                .contains("sha256:" + Digest.of(TOY.bytes()).hex())
                .contains("1 symbol, 1 with a CRC", "1 symbol\n", "yes, by nobody")
                .contains("✔ It keeps every rule");
        assertThat(json.path("name").asText()).isEqualTo("toy");
        assertThat(json.path("imports").get(0).path("crc").asText()).isEqualTo("00000007");
        assertThat(json.path("exports").get(0).path("symbol").asText()).isEqualTo("toy_open");
        assertThat(json.path("info").path("description").get(0).asText()).isEqualTo("red \u001b[31m text");
        assertThat(json.path("breaches")).isEmpty();
        assertThat(json.has("fit") || json.has("differences")).isFalse();
    }

    @Test
    void a_module_that_fits_is_0_and_one_that_does_not_is_4_with_each_symbol() throws Exception {
        Path module = file("toy.ko", TOY.bytes());
        Path right = file("right.symvers", KERNEL.formatted("7").getBytes());
        Path wrong = file("wrong.symvers", KERNEL.formatted("8").getBytes());

        LaunchResult fits = launcher.launch("inspect", module.toString(), "--against", right.toString());
        LaunchResult not = launcher.launch("inspect", module.toString(), "--against", wrong.toString());
        LaunchResult json = launcher.launch("inspect", module.toString(), "--against", wrong.toString(), "-o", "json");

        assertThat(fits.exitCode()).as(fits.getErrorOutput()).isZero();
        assertThat(fits.getOutput()).contains("✔ It fits");
        assertThat(not.exitCode()).isEqualTo(4);
        assertThat(not.getOutput()).contains("✘ It does not fit").containsPattern("kfree +00000007 +00000008");
        assertThat(json.exitCode()).isEqualTo(4);
        assertThat(json(json).path("fits").asBoolean(true)).isFalse();
        assertThat(json(json)
                        .path("fit")
                        .path("differing")
                        .get(0)
                        .path("offered")
                        .asText())
                .isEqualTo("00000008");
    }

    @Test
    void two_builds_are_compared_section_by_section() throws Exception {
        Path one = file("toy.ko", TOY.bytes());
        Path same = file("same.ko", ModuleFixture.signed(TOY.bytes(), 415));
        Path other = file(
                "other.ko",
                ModuleFixture.module("toy", "6.1.0-50-amd64")
                        .with("version", "1.0")
                        .bytes());

        LaunchResult equal = launcher.launch("inspect", one.toString(), "--compare", same.toString());
        LaunchResult differ = launcher.launch("inspect", one.toString(), "--compare", other.toString());

        assertThat(equal.exitCode()).as(equal.getErrorOutput()).isZero();
        assertThat(equal.getOutput()).contains("✔ Both bodies are equal");
        assertThat(differ.exitCode()).isEqualTo(4);
        assertThat(differ.getOutput()).contains(".modinfo", "built for another kernel");
    }

    @Test
    void a_module_that_the_named_certificate_did_not_sign_is_4() throws Exception {
        KeyStore trusted = KeyStore.getInstance(
                Path.of(System.getProperty("java.home"), "lib/security/cacerts").toFile(), (char[]) null);
        Path certificate = file(
                "some.der",
                trusted.getCertificate(trusted.aliases().nextElement()).getEncoded());
        Path unsigned = file("toy.ko", TOY.bytes());

        LaunchResult told = launcher.launch("inspect", unsigned.toString(), "--certificate", certificate.toString());
        LaunchResult noCertificate =
                launcher.launch("inspect", unsigned.toString(), "--certificate", unsigned.toString());

        assertThat(told.exitCode()).isEqualTo(4);
        assertThat(told.getOutput()).contains("✘ Expected a signed module, but it is not signed.");
        assertThat(noCertificate.exitCode()).isEqualTo(1);
        assertThat(noCertificate.getErrorOutput()).contains("Expected a certificate, PEM or DER");
    }

    @Test
    void a_package_is_shown_with_its_modules_or_refused_with_its_rule() throws Exception {
        byte[] hidden =
                ModuleFixture.module("toy", "6.1.0-56-amd64").undefined("kfree").bytes();
        Path good = file("toy.tar.gz", PackageFixture.archive());
        Path bad = file(
                "bad.tar.gz",
                ModulePackage.write(PackageFixture.manifest(hidden), PackageFixture.DKMS_CONF, List.of(hidden)));

        LaunchResult read = launcher.launch("inspect", good.toString());
        LaunchResult refused = launcher.launch("inspect", bad.toString());
        LaunchResult json = launcher.launch("inspect", bad.toString(), "-o", "json");

        assertThat(read.exitCode()).as(read.getErrorOutput()).isZero();
        assertThat(read.getOutput()).contains("Package of toy 1.0", "toy for kernel 6.1.0-56-amd64");
        assertThat(refused.exitCode()).isEqualTo(4);
        assertThat(refused.getOutput()).contains("SYMBOL_WITHOUT_CRC", "'kfree' has none");
        assertThat(json(json).path("refused").path("rule").asText()).isEqualTo("SYMBOL_WITHOUT_CRC");
    }

    @Test
    void what_breaks_a_rule_is_said_of_a_module_too_and_is_no_failure() throws Exception {
        Path renamed = file("ext4.ko", TOY.bytes());

        LaunchResult told = launcher.launch("inspect", renamed.toString());

        assertThat(told.exitCode()).isZero();
        assertThat(told.getOutput()).contains("✘ No other host would get it. NAMES_DIFFER");
    }

    @Test
    void what_cannot_be_read_is_1_and_says_why() throws Exception {
        Path text = file("text.ko", "hello".getBytes());
        Path archive = file("cut.tar.gz", Arrays.copyOf(PackageFixture.archive(), 100));
        Path module = file("toy.ko", TOY.bytes());

        LaunchResult noModule = launcher.launch("inspect", text.toString());
        LaunchResult noSymvers = launcher.launch("inspect", module.toString(), "--against", text.toString());

        assertThat(noModule.exitCode()).isEqualTo(1);
        assertThat(noModule.getErrorOutput()).contains("[ERROR]", "Expected an ELF header");
        LaunchResult cut = launcher.launch("inspect", archive.toString());
        assertThat(cut.exitCode()).isEqualTo(1);
        assertThat(cut.getErrorOutput()).contains("it ends too early");
        assertThat(noSymvers.exitCode()).isEqualTo(1);
        assertThat(noSymvers.getErrorOutput()).contains("in line 1 of Module.symvers");
        assertThat(launcher.launch("inspect", "/no/such/file").exitCode()).isEqualTo(1);
        assertThat(launcher.launch("inspect").exitCode()).isEqualTo(2);
        assertThat(launcher.launch("inspect", "--help").getOutput()).contains("Exit codes:", "4  it does not fit");
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(directory.resolve(name), bytes);
    }

    private static JsonNode json(LaunchResult printed) throws IOException {
        return FleetJson.mapper().readTree(printed.getOutput());
    }
}
