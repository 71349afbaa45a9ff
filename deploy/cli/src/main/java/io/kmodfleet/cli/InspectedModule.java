package io.kmodfleet.cli;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.module.Compression;
import io.kmodfleet.contracts.module.Divergence;
import io.kmodfleet.contracts.module.Divergence.Difference;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.ModuleSignature;
import io.kmodfleet.contracts.module.ModuleSigner;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.module.SymbolFit;
import io.kmodfleet.contracts.module.SymbolVersion;
import io.kmodfleet.contracts.module.Symvers;
import io.kmodfleet.contracts.pack.Breach;
import io.kmodfleet.contracts.pack.ModuleRules;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code kmodfleet inspect} tells of one module. As JSON, no field is ever renamed.
 *
 * @param file its name
 * @param signedBy beside the certificate that was named; absent where none was
 * @param info {@code .modinfo}, all of it
 * @param breaches the rules that would keep it from other hosts
 * @param fits whether nothing stands in {@code fit}
 * @param fit beside the Module.symvers that were named; absent where none was
 * @param differences from the module it was compared with; absent where there was none
 */
record InspectedModule(
        String file,
        long size,
        Compression compression,
        String name,
        Optional<String> loadedAs,
        Optional<String> version,
        Optional<String> srcversion,
        String vermagic,
        String kernel,
        String arch,
        boolean bigEndian,
        int structModule,
        Digest body,
        Optional<String> buildId,
        Optional<String> buildSalt,
        boolean signed,
        Optional<ModuleSigner> signer,
        Optional<SignedBy> signedBy,
        List<String> depends,
        Map<String, List<String>> info,
        List<Needed> imports,
        List<Offered> exports,
        Optional<String> layout,
        List<Breach> breaches,
        Optional<Boolean> fits,
        Optional<SymbolFit> fit,
        Optional<List<Difference>> differences) {

    private static final String LAYOUT = "module_layout";

    /** @param crc eight hexadecimal digits */
    record Needed(String symbol, Optional<String> crc, boolean weak) {}

    /** @param crc eight hexadecimal digits */
    record Offered(String symbol, Optional<String> crc, boolean gplOnly) {}

    /** @param fault why it is not signed by it; absent where it is */
    record SignedBy(String certificate, Optional<String> fault) {

        static SignedBy of(X509Certificate certificate, byte[] bytes) {
            return new SignedBy(certificate.getSubjectX500Principal().getName(), faultOf(certificate, bytes));
        }

        private static Optional<String> faultOf(X509Certificate certificate, byte[] bytes) {
            try {
                Optional<ModuleSignature> signature = ModuleSignature.of(bytes);
                return signature.isEmpty()
                        ? Optional.of("Expected a signed module, but it is not signed")
                        : signature.get().fault(certificate);
            } catch (NotAModule e) {
                return Optional.of("Expected a signature of a kernel module: " + e.getMessage());
            }
        }
    }

    /** What it is held against. */
    record Beside(Optional<Symvers> kernel, Optional<byte[]> other, Optional<X509Certificate> certificate) {}

    static InspectedModule of(String file, byte[] bytes, Beside beside) throws NotAModule {
        ModuleFile module = ModuleFile.read(bytes);
        Map<String, String> crcs = new HashMap<>();
        for (SymbolVersion symbol : module.symbolVersions()) {
            crcs.put(symbol.name(), symbol.hex());
        }
        Optional<SymbolFit> fit = beside.kernel.map(symbols -> symbols.fit(module));
        Optional<List<Difference>> differences = beside.other.isPresent()
                ? Optional.of(Divergence.between(bytes, beside.other.get()).differences())
                : Optional.empty();
        return new InspectedModule(
                file,
                bytes.length,
                module.compression(),
                module.info().name(),
                module.structName(),
                module.info().version(),
                module.info().srcversion(),
                module.info().vermagic(),
                module.info().release(),
                module.arch().orElse("ELF machine " + module.machine()),
                module.bigEndian(),
                module.structSize(),
                module.body(),
                module.buildId(),
                module.buildSalt(),
                module.signed(),
                module.signer(),
                beside.certificate.map(certificate -> SignedBy.of(certificate, bytes)),
                module.info().depends(),
                module.info().values(),
                module.imports().stream()
                        .map(symbol ->
                                new Needed(symbol.name(), Optional.ofNullable(crcs.get(symbol.name())), symbol.weak()))
                        .toList(),
                module.exports().stream()
                        .map(symbol -> new Offered(symbol.name(), symbol.hex(), symbol.gplOnly()))
                        .toList(),
                Optional.ofNullable(crcs.get(LAYOUT)),
                ModuleRules.breachesOf(module, file),
                fit.map(SymbolFit::fits),
                fit,
                differences);
    }

    /** Whether it is all that was asked for: fits the kernel, is signed so, and equals the other. */
    boolean holds() {
        return fits.orElse(true)
                && signedBy.flatMap(SignedBy::fault).isEmpty()
                && differences.map(List::isEmpty).orElse(true);
    }
}
