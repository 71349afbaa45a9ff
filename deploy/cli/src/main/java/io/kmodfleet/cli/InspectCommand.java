package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.cli.InspectedModule.Beside;
import io.kmodfleet.cli.InspectedModule.SignedBy;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.module.Divergence.Difference;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.module.NotSymvers;
import io.kmodfleet.contracts.module.SymbolFit;
import io.kmodfleet.contracts.module.Symvers;
import io.kmodfleet.contracts.pack.Breach;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a module is, told by its own bytes; asks nobody. */
@Command(
        name = "inspect",
        description = {
            "Show what a kernel module is, what it needs, and whether it fits a kernel.",
            "Reads a .ko, compressed or not, or a module package (.tar.gz). Asks neither coordinator nor store."
        },
        footer = {
            "",
            "Exit codes:",
            "  0  read; it fits where --against is given, is signed by --certificate, and equal to --compare",
            "  1  a file is not there, or is not what it should be; the message says why",
            "  2  wrong usage",
            "  4  it does not fit, is not signed so, differs, or is a package that breaks a rule; each reason is named"
        })
final class InspectCommand implements Callable<Integer> {

    static final int WRONG = 4;

    private static final Pattern MODULE_FILE = Pattern.compile(".*\\.ko(\\.gz|\\.xz|\\.zst)?");

    private static final int LARGEST_CERTIFICATE = 1024 * 1024;

    @Mixin
    private Printing printing;

    @Parameters(paramLabel = "FILE", description = "The module, or the package.")
    private Path file;

    @Option(
            names = "--against",
            paramLabel = "SYMVERS",
            description = {
                "A kernel's Module.symvers, which comes with its headers: /lib/modules/RELEASE/build/Module.symvers.",
                "Once more for each other module whose symbols it needs."
            })
    private List<Path> against = new ArrayList<>();

    @Option(
            names = "--certificate",
            paramLabel = "CERTIFICATE",
            description = "A certificate, PEM or DER, that the module must be signed by.")
    private Path certificate;

    @Option(
            names = "--compare",
            paramLabel = "FILE",
            description = "Another build of it, to be compared section by section.")
    private Path other;

    @Override
    public Integer call() throws IOException {
        byte[] bytes = read(file, ModulePackage.MAX_BYTES);
        Beside beside = new Beside(
                symvers(),
                other == null ? Optional.empty() : Optional.of(read(other, ModulePackage.MAX_BYTES)),
                certificate == null ? Optional.empty() : Optional.of(certificate()));
        boolean isModule = MODULE_FILE.matcher(nameOf(file)).matches() || !isGzip(bytes);
        return isModule ? module(bytes, beside) : packaged(bytes, beside);
    }

    private int module(byte[] bytes, Beside beside) throws IOException {
        InspectedModule module = inspected(nameOf(file), bytes, beside);
        if (printing.isJson()) {
            printing.json(FleetJson.mapper().valueToTree(module));
        } else {
            print(module);
        }
        return module.holds() ? 0 : WRONG;
    }

    private int packaged(byte[] bytes, Beside beside) throws IOException {
        if (other != null) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE, "Expected two modules to compare, but " + file + " is an archive.");
        }
        ModulePackage read;
        try {
            read = ModulePackage.read(bytes);
        } catch (Refusal e) {
            return refused(bytes, e);
        }
        List<InspectedModule> modules = new ArrayList<>();
        for (int i = 0; i < read.moduleFiles().size(); i++) {
            String member = read.manifest().modules().get(i).file();
            String name = member.substring(member.lastIndexOf('/') + 1);
            modules.add(inspected(name, read.moduleFiles().get(i), beside));
        }
        if (printing.isJson()) {
            ObjectNode json = FleetJson.mapper()
                    .createObjectNode()
                    .put("digest", read.digest().toString());
            json.set("manifest", FleetJson.mapper().valueToTree(read.manifest()));
            json.set("modules", FleetJson.mapper().valueToTree(modules));
            printing.json(json);
        } else {
            print(read);
            for (InspectedModule module : modules) {
                System.out.println();
                print(module);
            }
        }
        return modules.stream().allMatch(InspectedModule::holds) ? 0 : WRONG;
    }

    private int refused(byte[] bytes, Refusal refusal) throws IOException {
        boolean unreadable = refusal.rule() == Refusal.Rule.NOT_AN_ARCHIVE || refusal.rule() == Refusal.Rule.TOO_LARGE;
        if (unreadable) {
            throw new Trouble(KmodfleetCommand.FAILED, file + ": " + refusal.evidence() + ".");
        }
        Breach breach = new Breach(refusal.rule(), refusal.evidence());
        if (printing.isJson()) {
            ObjectNode json = FleetJson.mapper()
                    .createObjectNode()
                    .put("digest", Digest.of(bytes).toString());
            json.set("refused", FleetJson.mapper().valueToTree(breach));
            printing.json(json);
        } else {
            Printing.line("✘ The store and every agent refuse this package. %s", sentence(breach));
        }
        return WRONG;
    }

    private InspectedModule inspected(String name, byte[] bytes, Beside beside) {
        try {
            return InspectedModule.of(name, bytes, beside);
        } catch (NotAModule e) {
            String which = other == null ? file.toString() : file + " or " + other;
            throw new Trouble(KmodfleetCommand.FAILED, which + ": " + e.getMessage() + ".");
        }
    }

    private X509Certificate certificate() throws IOException {
        try {
            return (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(read(certificate, LARGEST_CERTIFICATE)));
        } catch (CertificateException e) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    "Expected a certificate, PEM or DER, in " + certificate + ", but " + e.getMessage() + ".");
        }
    }

    private Optional<Symvers> symvers() throws IOException {
        Optional<Symvers> all = Optional.empty();
        for (Path one : against) {
            try {
                Symvers read = Symvers.parse(read(one, Symvers.MAX_BYTES));
                all = Optional.of(all.map(known -> known.and(read)).orElse(read));
            } catch (NotSymvers e) {
                throw new Trouble(KmodfleetCommand.FAILED, one + ": " + e.getMessage() + ".");
            }
        }
        return all;
    }

    private static byte[] read(Path file, int most) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Trouble(KmodfleetCommand.FAILED, "Expected a file " + file + ", but there is none.");
        }
        if (Files.size(file) > most) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    "Expected at most " + Printing.size(most) + ", but " + file + " has "
                            + Printing.size(Files.size(file)) + ".");
        }
        return Files.readAllBytes(file);
    }

    private static String nameOf(Path file) {
        return file.getFileName().toString();
    }

    private static boolean isGzip(byte[] bytes) {
        return bytes.length > 1 && (bytes[0] & 0xff) == 0x1f && (bytes[1] & 0xff) == 0x8b;
    }

    private static void print(ModulePackage read) {
        PackageManifest manifest = read.manifest();
        Printing.line(
                "Package of %s %s for kernel %s",
                manifest.module(), manifest.moduleVersion(), manifest.target().release());
        field("digest", read.digest().toString());
        field("image", manifest.target().image().toString());
        field("source", manifest.target().source().toString());
        field("built", manifest.builtAt() + " by " + manifest.builder());
        field("with", manifest.compiler() + ", " + manifest.dkms());
    }

    private static void print(InspectedModule module) {
        Printing.line(
                "%s%s for kernel %s, %s",
                module.name(), module.version().map(" "::concat).orElse(""), module.kernel(), module.arch());
        field(
                "file",
                module.file() + ", " + Printing.size(module.size())
                        + (module.compression().suffix().equals(".ko") ? "" : ", " + module.compression()));
        field("body", module.body().toString());
        field("vermagic", module.vermagic());
        module.srcversion().ifPresent(value -> field("srcversion", value));
        module.buildId().ifPresent(value -> field("build-id", value));
        field("licence", String.join(", ", module.info().getOrDefault("license", List.of("none"))));
        field("signed", signed(module));
        field("depends", module.depends().isEmpty() ? "on no other module" : String.join(", ", module.depends()));
        long withCrc = module.imports().stream()
                .filter(symbol -> symbol.crc().isPresent())
                .count();
        field(
                "needs",
                symbols(module.imports().size()) + ", " + withCrc + " with a CRC; struct module of "
                        + module.structModule() + " bytes");
        field("offers", symbols(module.exports().size()));
        System.out.println();
        if (module.breaches().isEmpty()) {
            Printing.line("✔ It keeps every rule for modules that are shared.");
        }
        for (Breach breach : module.breaches()) {
            Printing.line("✘ No other host would get it. %s", sentence(breach));
        }
        module.signedBy().ifPresent(InspectCommand::printSigned);
        module.fit().ifPresent(InspectCommand::print);
        module.differences().ifPresent(InspectCommand::print);
    }

    private static String signed(InspectedModule module) {
        if (!module.signed()) {
            return "no";
        }
        return module.signer()
                .map(signer -> "by " + signer.name().map(name -> name + ", ").orElse("") + "key " + signer.keyId())
                .orElse("yes, by nobody that the signature names");
    }

    private static void printSigned(SignedBy signed) {
        Printing.line(
                "%s",
                signed.fault()
                        .map(fault -> "✘ " + fault + ".")
                        .orElse("✔ It is signed by " + signed.certificate() + "."));
    }

    private static void print(SymbolFit fit) {
        if (fit.fits()) {
            Printing.line("✔ It fits: that kernel offers every symbol that it needs, with its CRC.");
            return;
        }
        Printing.line("✘ It does not fit that kernel:");
        Table table = new Table("", "SYMBOL", "NEEDED", "OFFERED");
        fit.missing().forEach(symbol -> table.row(symbol, "yes", "no"));
        fit.differing().forEach(symbol -> table.row(symbol.symbol(), symbol.needed(), symbol.offered()));
        fit.unversioned().forEach(symbol -> table.row(symbol, "without a CRC", "with one"));
        fit.gplOnly().forEach(symbol -> table.row(symbol, "yes", "to free licences only"));
        fit.namespaces().forEach(name -> table.row("(namespace " + name + ")", "not imported", "to importers only"));
        table.print();
    }

    private static void print(List<Difference> differences) {
        if (differences.isEmpty()) {
            Printing.line("✔ Both bodies are equal.");
            return;
        }
        Printing.line("✘ The bodies differ:");
        Table table = new Table("", "SECTION", "LOADED", "DIFFERENCE", "USUALLY BECAUSE");
        for (Difference difference : differences) {
            table.row(difference.section(), difference.loaded() ? "yes" : "no", difference.what(), difference.why());
        }
        table.print();
    }

    private static String sentence(Breach breach) {
        return breach.rule() + ": " + breach.evidence() + ".";
    }

    private static String symbols(int count) {
        return count == 1 ? "1 symbol" : count + " symbols";
    }

    private static void field(String name, String value) {
        Printing.line("  %s %s", name + " ".repeat(Math.max(0, 10 - name.length())), value);
    }
}
