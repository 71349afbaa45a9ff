package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Module sources. */
@Command(name = "source", description = "Publish and list module sources.")
final class SourceCommand {

    @Command(
            name = "publish",
            description = "Give the store a module source: a directory with dkms.conf, or a .tar.gz of one.")
    int publish(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Parameters(paramLabel = "DIR|FILE", description = "The source.") Path source)
            throws IOException {
        byte[] archive = Files.isDirectory(source) ? packed(source) : read(source);
        SourcePackage published;
        try {
            published = SourcePackage.read(archive);
        } catch (Refusal e) {
            throw new Trouble(KmodfleetCommand.FAILED, e.rule() + ": " + e.evidence());
        }
        boolean isNew = fleet.upload("/api/v1/sources/" + published.digest().hex(), archive);
        if (print.isJson()) {
            print.json(FleetJson.mapper()
                    .createObjectNode()
                    .put("digest", published.digest().toString())
                    .put("module", published.conf().name())
                    .put("moduleVersion", published.conf().version())
                    .put("binding", published.conf().binding().name())
                    .put("new", isNew));
            return 0;
        }
        System.out.printf(
                """
                ✔ %s %s is %s: %s

                To have it on every host, add it below 'modules' in the policy (kmodfleet policy get > policy.yaml):

                  - name: %s
                    version: "%s"
                    source: %s
                    binding: %s
                    proof: LOAD

                and publish that: kmodfleet policy set policy.yaml
                """,
                published.conf().name(),
                published.conf().version(),
                isNew ? "published" : "published already",
                published.digest(),
                published.conf().name(),
                published.conf().version(),
                published.digest(),
                published.conf().binding());
        return 0;
    }

    @Command(name = "list", description = "Show the published sources.")
    int list(@Mixin FleetApi fleet, @Mixin Printing print) throws IOException {
        List<JsonNode> items = fleet.all("/api/v1/sources?limit=1000");
        if (print.isJson()) {
            ObjectNode answer = FleetJson.mapper().createObjectNode();
            answer.putArray("items").addAll(items);
            print.json(answer);
            return 0;
        }
        Table table = new Table(
                "No source is published. Run: kmodfleet source publish DIR",
                "MODULE",
                "VERSION",
                "BINDING",
                "SIZE",
                "STORED",
                "DIGEST");
        for (JsonNode item : items) {
            table.row(
                    item.path("module").asText(),
                    item.path("moduleVersion").asText(),
                    item.path("binding").asText(),
                    Printing.size(item.path("size").asLong()),
                    Printing.ago(item.path("storedAt").asText()),
                    item.path("digest").asText());
        }
        table.print();
        return 0;
    }

    private static byte[] read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Trouble(
                    KmodfleetCommand.NOT_FOUND, "Expected a directory or a .tar.gz file, but " + file + " is neither.");
        }
        return Files.readAllBytes(file);
    }

    /** Every file below it but git's own; the same tree gives the same bytes and so the same digest. */
    static byte[] packed(Path directory) throws IOException {
        if (!Files.isRegularFile(directory.resolve("dkms.conf"), LinkOption.NOFOLLOW_LINKS)) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    "Expected a module source with dkms.conf at its root, but " + directory
                            + " has none. Name the directory that dkms.conf lies in.");
        }
        List<SourceFile> files = new ArrayList<>();
        long bytes = 0;
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path file : tree.sorted().toList()) {
                Path relative = directory.relativize(file);
                if (isGits(relative) || Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                    continue;
                }
                if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                    throw new Trouble(
                            KmodfleetCommand.FAILED,
                            "Expected regular files only, but " + file
                                    + " is a link or a special file. Replace it by a file.");
                }
                bytes += Files.size(file);
                if (bytes > SourcePackage.MAX_EXPANDED) {
                    throw new Trouble(
                            KmodfleetCommand.FAILED,
                            "Expected a source of at most " + Printing.size(SourcePackage.MAX_EXPANDED) + ", but "
                                    + directory + " has more. Remove what the build does not need.");
                }
                files.add(new SourceFile(relative.toString(), Files.readAllBytes(file), Files.isExecutable(file)));
            }
        }
        return SourcePackage.write(files);
    }

    private static boolean isGits(Path relative) {
        return Stream.of(relative.toString().split("/")).anyMatch(".git"::equals);
    }
}
