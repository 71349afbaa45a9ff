package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.cli.exchange.Bundle;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Packages from elsewhere. The store checks each as it checks one that a host of the fleet built. */
@Command(
        name = "import",
        description = {
            "Give the store packages from elsewhere. Each is checked like one that a host of the fleet built, and has to prove itself.",
            "What dkms built on a host before it joined the fleet comes in from there: kmodfleet-agent share."
        })
final class ImportCommand {

    private int added;
    private int known;
    private final List<Refused> refused = new ArrayList<>();

    /** @param why the store's words, or ours */
    private record Refused(String name, String why) {}

    @Command(
            name = "bundle",
            description = {
                "Take in what 'kmodfleet export bundle' wrote in another fleet. Every byte is compared with the index; with --index the",
                "index itself is compared too, before anything is sent. Broken off, it can be repeated: what is there is passed over."
            })
    int bundle(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(
                            names = "--index",
                            paramLabel = "DIGEST",
                            description =
                                    "The digest that the export printed, brought here by another way than the file.")
                    String expected,
            @Parameters(paramLabel = "FILE", description = "The bundle.") Path file)
            throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Trouble(KmodfleetCommand.NOT_FOUND, "Expected a bundle, but " + file + " is no file.");
        }
        try {
            compareIndex(file, expected);
            try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
                Bundle.read(
                        in,
                        (entry, bytes) -> upload(
                                fleet,
                                entry.name(),
                                "/api/v1/" + entry.kind().collection() + "/"
                                        + entry.digest().hex(),
                                bytes));
            }
        } catch (Bundle.Damaged e) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    e.getMessage() + ". Taken before that: " + (added + known) + " files. Bring the bundle again.");
        }
        return tell(print);
    }

    private static void compareIndex(Path file, String expected) throws IOException {
        if (expected == null) {
            return;
        }
        Digest digest;
        try {
            digest = Digest.parse(expected);
        } catch (IllegalArgumentException e) {
            throw new Trouble(KmodfleetCommand.WRONG_USAGE, e.getMessage());
        }
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            Digest found = Bundle.readIndex(in).digest();
            if (!found.equals(digest)) {
                throw new Trouble(
                        KmodfleetCommand.FAILED,
                        "Expected the index " + digest + ", but that of " + file + " is " + found
                                + ". It is another bundle, or somebody changed it. Nothing was sent.");
            }
        }
    }

    @Command(
            name = "guide",
            description = {
                "Take in the packages below a directory of the product guide's server (dkms/<system>/<major>/*.tar.gz), or any other",
                "directory with packages. Their sources must be published."
            })
    int guide(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Parameters(paramLabel = "DIR", description = "The directory.") Path directory)
            throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new Trouble(KmodfleetCommand.NOT_FOUND, "Expected a directory, but " + directory + " is none.");
        }
        List<Path> files;
        try (Stream<Path> tree = Files.walk(directory)) {
            files = tree.filter(file -> file.toString().endsWith(".tar.gz"))
                    .filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .sorted()
                    .toList();
        }
        if (files.isEmpty()) {
            throw new Trouble(
                    KmodfleetCommand.NOT_FOUND,
                    "Expected packages (*.tar.gz) below " + directory + ", but there is none.");
        }
        for (Path file : files) {
            String name = directory.relativize(file).toString();
            if (Files.size(file) > ModulePackage.MAX_BYTES) {
                refused.add(
                        new Refused(name, "Expected at most " + ModulePackage.MAX_BYTES + " bytes, but it has more"));
                continue;
            }
            byte[] archive = Files.readAllBytes(file);
            try {
                ModulePackage read = ModulePackage.read(archive);
                upload(fleet, name, "/api/v1/packages/" + read.digest().hex(), archive);
            } catch (Refusal e) {
                refused.add(new Refused(name, e.rule() + ": " + e.evidence()));
            }
        }
        return tell(print);
    }

    /** What is refused stops nothing; what cannot be sent at all does. */
    private void upload(FleetApi fleet, String name, String path, byte[] bytes) throws IOException {
        try {
            if (fleet.upload(path, bytes)) {
                added++;
            } else {
                known++;
            }
        } catch (Trouble e) {
            if (e.exitCode() != KmodfleetCommand.FAILED) {
                throw e;
            }
            refused.add(new Refused(name, e.getMessage()));
        }
    }

    private int tell(Printing print) throws IOException {
        if (print.isJson()) {
            ObjectNode answer = FleetJson.mapper().createObjectNode();
            answer.put("added", added).put("known", known);
            answer.set("refused", FleetJson.mapper().valueToTree(refused));
            print.json(answer);
        } else {
            Printing.line("✔ %s", added + " files taken, " + known + " were there already.");
            refused.forEach(file -> Printing.line("not taken: %s: %s", file.name(), file.why()));
        }
        return refused.isEmpty() ? 0 : KmodfleetCommand.FAILED;
    }
}
