package io.kmodfleet.contracts.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.airlift.compress.zstd.ZstdOutputStream;
import io.kmodfleet.contracts.RealKernel;
import io.kmodfleet.contracts.module.Compression;
import io.kmodfleet.contracts.module.Divergence;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.module.ModuleSignature;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.module.NotSymvers;
import io.kmodfleet.contracts.module.Symvers;
import io.kmodfleet.contracts.pack.ModuleRules;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.opentest4j.TestAbortedException;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** What comes as a module, as a part of one, or as what a kernel offers to it. */
final class ModuleInputs {

    private static final String RELEASE = "6.1.0-56-amd64";

    private static final String KERNEL = """
            0xbb6dfbbd\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t
            0x00000007\tkfree\tvmlinux\tEXPORT_SYMBOL\t
            0x00000008\tput_device\tvmlinux\tEXPORT_SYMBOL_GPL\t
            0x00000009\tdma_buf_get\tdrivers/dma-buf/dma-buf\tEXPORT_SYMBOL_GPL\tDMA_BUF
            """;

    private ModuleInputs() {}

    /** A module: everything that is asked of one before it is shared. */
    public static final class Modules implements HostileInput {

        private final byte[] other = toy().bytes();
        private final Symvers kernel;

        public Modules() throws NotSymvers {
            kernel = Symvers.parse(KERNEL.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public List<byte[]> seeds() throws IOException {
            List<byte[]> seeds = new ArrayList<>(modules());
            seeds.addAll(compressed(toy().bytes()));
            return seeds;
        }

        @Override
        public void parse(byte[] bytes) throws NotAModule {
            ModuleFile module;
            try {
                module = ModuleFile.read(bytes);
            } catch (NotAModule e) {
                assertThat(e).hasMessageStartingWith("Expected ");
                return;
            }
            assertThat(ModuleFile.read(bytes.clone())).isEqualTo(module);
            assertThat(Divergence.between(bytes, bytes).isEmpty()).isTrue();
            Divergence.between(bytes, other);
            Divergence.between(other, bytes);
            module.needs();
            module.arch();
            module.buildSalt();
            module.info().depends();
            ModuleRules.breachesOf(module, "toy.ko");
            kernel.fit(module);
        }
    }

    /** A signature, behind a good module where no module is given. */
    public static final class Signatures implements HostileInput {

        private static final String SIGNER =
                "MIIBljCCATugAwIBAgIUM5dz4N1Ry8EXdweGZ2U36ucqfcswCgYIKoZIzj0EAwIwHzENMAsGA1UE"
                        + "CgwEVG95czEOMAwGA1UEAwwFZmxlZXQwIBcNMjYxMTI2MDMxNjQ0WhgPMjEyNjExMDIwMzE2NDRaMB8xDTALBgNVBAoMBFRveXMxDjAM"
                        + "BgNVBAMMBWZsZWV0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0vAOsON8gXtHsw3TniaYZqzIn7ylgHr3XFofVEbku8RMssX9QDIT"
                        + "TibrGYyppRadXb397jlDXr1YTT18oFYDfaNTMFEwHQYDVR0OBBYEFHP84gOpRv+o7OyUZu9w562cO3JYMB8GA1UdIwQYMBaAFHP84gOp"
                        + "Rv+o7OyUZu9w562cO3JYMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAJOiU5aO2GdvqTYD7K+L1rDu/SPO8GHwHrDg"
                        + "dW9p3laVAiEA/nr7ekumKQOzNgFHb0coNh/KyKSZYM23EHWaOsLIdYc=";

        /** By the issuer and by the key, of other bytes than the module. */
        private static final List<String> BY_SIGNER = List.of(
                "3081d406092a864886f70d010702a081c63081c3020101310d300b0609608648016503040201300b06092a864886f70d01070131"
                        + "81a130819e0201013037301f310d300b060355040a0c04546f7973310e300c06035504030c05666c6565740214339773"
                        + "e0dd51cbc117770786676537eae72a7dcb300b0609608648016503040201300a06082a8648ce3d040302044730450220"
                        + "04e490204c506e76e4679e9c6eb320613fd40a665c768b04c8064c1da60ceb09022100"
                        + "99746fdd78bb4cbbeed5727519bd074e5a5cd493ce53b18713d7db639b2d891f",
                "3081b006092a864886f70d010702a081a230819f020103310d300b0609608648016503040201300b06092a864886f70d01070131"
                        + "7e307c020103801473fce203a946ffa8ecec9466ef70e7ad9c3b7258300b0609608648016503040201300a06082a8648"
                        + "ce3d04030204483046022100abba692d9c3cd9b6448f5148f2ba0fd7ade781786e66ad9b6c4dd66153ceac62022100"
                        + "c80748af7e2626054facea473f760a51311b5ab54f03c01d3f2dbb1691f211e1");

        private final byte[] body = toy().bytes();
        private final X509Certificate signer;

        public Signatures() throws CertificateException {
            signer = (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(
                            new ByteArrayInputStream(Base64.getDecoder().decode(SIGNER)));
        }

        @Override
        public List<byte[]> seeds() throws IOException {
            List<byte[]> seeds = new ArrayList<>(modules());
            BY_SIGNER.forEach(signature -> seeds.add(HexFormat.of().parseHex(signature)));
            return seeds;
        }

        @Override
        public void parse(byte[] bytes) throws NotAModule {
            read(bytes);
            byte[] module = ModuleFixture.signed(body, bytes);
            if (read(module)) {
                assertThat(ModuleFile.read(module).signer()).isPresent();
            }
        }

        private boolean read(byte[] module) throws NotAModule {
            Optional<ModuleSignature> signature;
            try {
                signature = ModuleSignature.of(module);
            } catch (NotAModule e) {
                assertThat(e).hasMessageStartingWith("Expected ");
                return false;
            }
            assertThat(ModuleSignature.of(module.clone()).map(ModuleSignature::signer))
                    .isEqualTo(signature.map(ModuleSignature::signer));
            signature.ifPresent(
                    of -> assertThat(of.fault(signer)).get().asString().startsWith("Expected "));
            return signature.isPresent();
        }
    }

    /** What a module is compressed to. */
    public static final class Compressed implements HostileInput {

        @Override
        public List<byte[]> seeds() throws IOException {
            List<byte[]> seeds =
                    new ArrayList<>(compressed("a module".repeat(20).getBytes(StandardCharsets.UTF_8)));
            seeds.addAll(compressed(toy().bytes()));
            seeds.addAll(compressed(new byte[0]));
            seeds.add(HexFormat.of()
                    .parseHex("28b52ffda469" + "62".repeat(132) + "002e00000000000000003b0100000899e9d851"));
            return seeds;
        }

        @Override
        public void parse(byte[] bytes) throws NotAModule {
            byte[] expanded;
            try {
                expanded = Compression.expand(bytes);
            } catch (NotAModule e) {
                assertThat(e).hasMessageStartingWith("Expected ");
                return;
            }
            assertThat(Compression.expand(bytes.clone())).isEqualTo(expanded);
            assertThat(expanded.length).isLessThanOrEqualTo(Compression.MAX_BYTES);
        }
    }

    /** {@code Module.symvers}. */
    public static final class SymversFiles implements HostileInput {

        private final ModuleFile module;

        public SymversFiles() throws NotAModule {
            module = ModuleFile.read(toy().bytes());
        }

        @Override
        public List<byte[]> seeds() {
            return List.of(
                    KERNEL.getBytes(StandardCharsets.UTF_8),
                    "0x4c9d28b0\tfat_find\tNS\tfs/fat\tEXPORT_SYMBOL_GPL\n".getBytes(StandardCharsets.UTF_8),
                    "0x4c9d28b0\tfat_find\tfs/fat\tEXPORT_SYMBOL".getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public void parse(byte[] bytes) throws NotSymvers {
            Symvers symvers;
            try {
                symvers = Symvers.parse(bytes);
            } catch (NotSymvers e) {
                assertThat(e).hasMessageStartingWith("Expected ");
                return;
            }
            assertThat(Symvers.parse(bytes.clone())).isEqualTo(symvers);
            assertThat(symvers.and(symvers)).isEqualTo(symvers);
            symvers.fit(module);
        }
    }

    private static ModuleFixture toy() {
        return ModuleFixture.module("toy", RELEASE).importing("kfree", 7).with("depends", "other");
    }

    /** Of both byte orders, with each table, and where there are real ones some of them. */
    private static List<byte[]> modules() throws IOException {
        List<byte[]> modules = new ArrayList<>(List.of(
                toy().bytes(),
                toy().exporting("toy_open").weak("not_there").bytes(),
                toy().bigEndian().machine(22).bytes(),
                toy().withoutVersions().extendedVersion("module_layout", 1).bytes(),
                toy().with("livepatch", "Y").symbolOf("patched", 0xff20).bytes(),
                ModuleFixture.signed(toy().bytes(), 64)));
        try {
            for (Path file : RealKernel.modules("a")) {
                if (modules.size() < 16 && Files.size(file) < 8_000) {
                    modules.add(Files.readAllBytes(file));
                }
            }
        } catch (TestAbortedException e) {
            // The made ones have all that real ones have.
        }
        return modules;
    }

    private interface Compressor {
        OutputStream to(OutputStream out) throws IOException;
    }

    static List<byte[]> compressed(byte[] bytes) throws IOException {
        List<byte[]> compressed = new ArrayList<>();
        List<Compressor> compressors = List.of(
                GZIPOutputStream::new, out -> new XZOutputStream(out, new LZMA2Options(0)), ZstdOutputStream::new);
        for (Compressor compressor : compressors) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (OutputStream to = compressor.to(out)) {
                to.write(bytes);
            }
            compressed.add(out.toByteArray());
        }
        return compressed;
    }
}
