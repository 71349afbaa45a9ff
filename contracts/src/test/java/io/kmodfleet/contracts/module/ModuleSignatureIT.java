package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.RealKernel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signatures made by openssl as {@code sign-file} makes them (scripts/sign-file.c), and others. */
class ModuleSignatureIT {

    private static final byte[] BODY =
            ModuleFixture.module("toy", "6.1.0-56-amd64").importing("kfree", 7).bytes();

    private static final String[] AS_SIGN_FILE = {"-noattr", "-nocerts"};

    @TempDir
    private Path scratch;

    @Test
    void a_signature_is_of_its_certificate_and_its_module_whatever_key_it_has_and_however_it_names_it()
            throws Exception {
        for (String[] key : new String[][] {{"rsa:2048"}, {"ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"}}) {
            X509Certificate fleet = certificate("fleet", key);
            X509Certificate other = certificate("other", key);
            for (String[] options : new String[][] {AS_SIGN_FILE, {"-noattr", "-nocerts", "-keyid"}}) {
                byte[] signature = signature("fleet", "sha256", options);
                byte[] signed = ModuleFixture.signed(BODY, signature);
                ModuleSignature read = ModuleSignature.of(signed).orElseThrow();

                assertThat(read.fault(fleet)).isEmpty();
                assertThat(read.fault(other)).get().asString().contains("but it names key");
                assertThat(ModuleFile.read(signed).signer()).contains(read.signer());
                byte[] changed = ModuleFixture.signed(changed(), signature);
                assertThat(ModuleSignature.of(changed).orElseThrow().fault(fleet))
                        .get()
                        .asString()
                        .contains("of other bytes");
            }
            for (String digest : List.of("sha1", "sha384", "sha512")) {
                byte[] signed = ModuleFixture.signed(BODY, signature("fleet", digest, AS_SIGN_FILE));
                assertThat(ModuleSignature.of(signed).orElseThrow().fault(fleet))
                        .as(digest)
                        .isEmpty();
            }
        }
        assertThat(ModuleSignature.of(BODY)).isEmpty();
    }

    @Test
    void what_the_kernel_would_not_take_is_no_signature_though_openssl_would() throws Exception {
        X509Certificate fleet = certificate("fleet", "rsa:2048");

        assertThat(fault(fleet, "-nocerts")).contains("signed attributes");
        assertThat(fault(fleet, "-noattr")).contains("without certificates");
        assertThat(fault(fleet, "-noattr", "-nocerts", "-nodetach")).contains("signed content is in it");
    }

    @Test
    void whatever_bytes_of_a_signature_are_changed_it_is_not_taken() throws Exception {
        X509Certificate fleet = certificate("fleet", "rsa:2048");
        byte[] signature = signature("fleet", "sha256", AS_SIGN_FILE);
        long seed = Long.getLong("seed", new Random().nextLong());
        Random random = new Random(seed);
        System.out.println("To run it again: -Dseed=" + seed);
        int taken = 0;
        for (int i = 0; i < 10_000; i++) {
            byte[] changed = signature.clone();
            changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
            try {
                taken += ModuleSignature.of(ModuleFixture.signed(BODY, changed))
                                .orElseThrow()
                                .fault(fleet)
                                .isEmpty()
                        ? 1
                        : 0;
            } catch (NotAModule e) {
                assertThat(e).as("seed %d", seed).hasMessageStartingWith("Expected ");
            }
        }
        // Versions and the parameters of algorithms say nothing of what was signed, or by whom.
        assertThat(taken).as("seed %d", seed).isLessThan(10_000 / 8);
    }

    private String fault(X509Certificate certificate, String... options) throws Exception {
        return ModuleSignature.of(ModuleFixture.signed(BODY, signature("fleet", "sha256", options)))
                .orElseThrow()
                .fault(certificate)
                .orElseThrow();
    }

    private static byte[] changed() {
        byte[] changed = BODY.clone();
        changed[0x14] ^= 2;
        return changed;
    }

    private X509Certificate certificate(String name, String... key) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl", "req", "-new", "-x509", "-nodes", "-newkey"));
        command.addAll(Arrays.asList(key));
        command.addAll(List.of("-keyout", at(name + ".key"), "-out", at(name + ".pem"), "-subj", "/O=Toys/CN=" + name));
        RealKernel.printed(List.of(), command.toArray(String[]::new));
        return (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(at(name + ".pem")))));
    }

    private byte[] signature(String name, String digest, String... options) throws IOException {
        Path body = Files.write(scratch.resolve("body"), BODY);
        List<String> command = new ArrayList<>(List.of("openssl", "cms", "-sign", "-binary", "-outform", "DER"));
        command.addAll(Arrays.asList(options));
        command.addAll(List.of("-md", digest, "-signer", at(name + ".pem"), "-inkey", at(name + ".key")));
        command.addAll(List.of("-in", body.toString()));
        return RealKernel.printed(List.of(), command.toArray(String[]::new));
    }

    private String at(String name) {
        return scratch.resolve(name).toString();
    }
}
