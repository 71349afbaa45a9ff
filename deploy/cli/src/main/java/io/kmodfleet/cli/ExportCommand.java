package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.cli.exchange.Bundle;
import io.kmodfleet.cli.exchange.GuideLayout;
import io.kmodfleet.cli.exchange.KernelMappings;
import io.kmodfleet.cli.exchange.KmodImage;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Packages for those who are not part of the fleet. */
@Command(name = "export", description = "Take packages out of the store: for another fleet, a server, or Kubernetes.")
final class ExportCommand {

    /** Which packages. */
    static final class Choice {
        @Option(names = "--module", paramLabel = "NAME", description = "Only packages of this module.")
        private String module;

        @Option(names = "--release", paramLabel = "RELEASE", description = "Only packages for this kernel release.")
        private String release;

        @Option(
                names = "--candidates",
                description = "Also packages that no host has shown to work yet. What was recalled never goes.")
        private boolean candidates;

        /** Newest first. */
        List<Stored> of(FleetApi fleet) throws IOException {
            String query = (module == null ? "" : "&module=" + FleetApi.escaped(module))
                    + (release == null ? "" : "&release=" + FleetApi.escaped(release));
            List<Stored> chosen = new ArrayList<>();
            for (JsonNode item : fleet.all("/api/v1/packages?limit=1000" + query)) {
                String state = item.path("state").asText();
                if (state.equals("proven") || candidates && state.equals("candidate")) {
                    chosen.add(Stored.of(item));
                }
            }
            if (chosen.isEmpty()) {
                throw new Trouble(
                        KmodfleetCommand.NOT_FOUND,
                        "Expected packages to take out of the store, but no host has proven one of that kind. --candidates"
                                + " takes those that are not proven yet; 'kmodfleet packages' lists what there is.");
            }
            return chosen;
        }
    }

    /** A package, as the store lists it. */
    record Stored(
            Digest digest, BuildTarget target, Optional<String> kernelVersion, String fileName, long size, Digest log) {

        static Stored of(JsonNode item) throws IOException {
            return new Stored(
                    Digest.parse(item.path("digest").asText()),
                    FleetJson.mapper().treeToValue(item.path("target"), BuildTarget.class),
                    Optional.ofNullable(item.path("kernelVersion").textValue()),
                    item.path("fileName").asText(),
                    item.path("size").asLong(),
                    Digest.parse(item.path("log").asText()));
        }

        Bundle.Entry entry() {
            return new Bundle.Entry(Bundle.Kind.PACKAGE, digest, size, fileName);
        }
    }

    @Command(
            name = "bundle",
            description = {
                "Write packages, the sources and logs they were built with, into one file: for a fleet that no network reaches.",
                "It begins with an index of every file; whoever knows the digest of the index, which is printed, can tell that",
                "nothing in it was changed. Take it in with 'kmodfleet import bundle'."
            })
    int bundle(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Mixin Choice choice,
            @Parameters(paramLabel = "FILE", description = "Where to; a file of that name is replaced.") Path file)
            throws IOException {
        Bundle.Index index = Bundle.Index.of(filesOf(fleet, choice.of(fleet)));
        Path fresh = file.resolveSibling("." + file.getFileName() + ".new");
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(fresh))) {
                Bundle.write(
                        index,
                        entry -> fleet.bytesFromStore("/api/v1/" + entry.kind().collection() + "/"
                                + entry.digest().hex()),
                        out);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (Bundle.Damaged e) {
            throw new Trouble(KmodfleetCommand.FAILED, e.getMessage());
        } finally {
            Files.deleteIfExists(fresh);
        }
        if (print.isJson()) {
            print.json(FleetJson.mapper()
                    .createObjectNode()
                    .put("file", file.toString())
                    .put("index", index.digest().toString())
                    .put("files", index.files().size())
                    .put("bytes", Files.size(file)));
            return 0;
        }
        System.out.printf(
                """
                ✔ %d files, %s: %s
                  index %s

                There: kmodfleet import bundle %s --index %s
                """,
                index.files().size(),
                Printing.size(Files.size(file)),
                file,
                index.digest(),
                file.getFileName(),
                index.digest());
        return 0;
    }

    /** The packages and what they were built from; a log that the store let go of is not missed. */
    private static List<Bundle.Entry> filesOf(FleetApi fleet, List<Stored> packages) throws IOException {
        List<Bundle.Entry> files = new ArrayList<>();
        Set<String> sources = new TreeSet<>();
        for (Stored stored : packages) {
            files.add(stored.entry());
            sources.add(stored.target().source().toString());
            fleet.sizeOf("/api/v1/logs/" + stored.log().hex())
                    .ifPresent(size -> files.add(new Bundle.Entry(
                            Bundle.Kind.LOG,
                            stored.log(),
                            size,
                            stored.fileName().replace(".tar.gz", ".log"))));
        }
        for (JsonNode item : fleet.all("/api/v1/sources?limit=1000")) {
            if (sources.remove(item.path("digest").asText())) {
                files.add(new Bundle.Entry(
                        Bundle.Kind.SOURCE,
                        Digest.parse(item.path("digest").asText()),
                        item.path("size").asLong(),
                        item.path("fileName").asText()));
            }
        }
        if (!sources.isEmpty()) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    "Expected the store to have the sources of its packages, but " + sources + " are missing.");
        }
        return files;
    }

    @Command(
            name = "guide",
            description = {
                "Put packages where the product guide's server looks for them (guide 6.5):",
                "DIR/dkms/<system>/<major>/<module>-<release>-<version>.tar.gz. Of several for one name, the newest goes."
            })
    int guide(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Mixin Choice choice,
            @Option(
                            names = "--system",
                            paramLabel = "NAME/MAJOR",
                            description = "As ubuntu/22, for kernels that do not tell whose they are.")
                    String system,
            @Parameters(paramLabel = "DIR", description = "The server's directory.") Path directory)
            throws IOException {
        if (system != null && !system.matches("[a-z]+/[0-9]+")) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE, "Expected a system like ubuntu/22, but got '" + system + "'.");
        }
        Map<String, Stored> placed = new TreeMap<>();
        List<String> homeless = new ArrayList<>();
        for (Stored stored : choice.of(fleet)) {
            Optional<String> home = GuideLayout.systemOf(stored.target(), stored.kernelVersion());
            if (home.isEmpty() && system == null) {
                homeless.add(stored.fileName());
                continue;
            }
            placed.putIfAbsent("dkms/" + home.orElse(system) + "/" + stored.fileName(), stored);
        }
        ArrayNode files = FleetJson.mapper().createArrayNode();
        for (Map.Entry<String, Stored> entry : placed.entrySet()) {
            Path file = directory.resolve(entry.getKey());
            byte[] bytes = verified(fleet, entry.getValue().digest());
            Files.createDirectories(file.getParent());
            Path fresh = file.resolveSibling("." + file.getFileName() + ".new");
            Files.write(fresh, bytes);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            files.add(entry.getKey());
        }
        if (print.isJson()) {
            ObjectNode answer = FleetJson.mapper().createObjectNode();
            answer.set("files", files);
            answer.set("left", FleetJson.mapper().valueToTree(homeless));
            print.json(answer);
        } else {
            files.forEach(file ->
                    Printing.line("✔ %s", directory.resolve(file.asText()).toString()));
            homeless.forEach(name ->
                    Printing.line("left out: %s. Its kernel does not tell whose it is; say it with --system", name));
        }
        return homeless.isEmpty() ? 0 : KmodfleetCommand.FAILED;
    }

    @Command(
            name = "image",
            description = {
                "Make kmod images for the Kubernetes Kernel Module Management operator: an OCI image layout with one image for each",
                "package, modules below /opt/lib/modules/<release>/. Newer operators want a 'cp' in the image: give a small image as",
                "--base, as a layout of its own (skopeo copy docker://busybox oci:busybox). Needs depmod on this machine.",
                "Push them with: skopeo copy oci:DIR:TAG docker://REGISTRY/NAME:TAG"
            })
    int image(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Mixin Choice choice,
            @Option(names = "--base", paramLabel = "LAYOUT", description = "An OCI image layout with one image.")
                    Path base,
            @Parameters(paramLabel = "DIR", description = "The layout; one that is there already gets more images.")
                    Path directory)
            throws IOException, InterruptedException {
        ArrayNode images = FleetJson.mapper().createArrayNode();
        Set<String> tags = new TreeSet<>();
        for (Stored stored : choice.of(fleet)) {
            ModulePackage module = read(verified(fleet, stored.digest()));
            String tag = KernelMappings.tagOf(module.manifest());
            if (!tags.add(tag)) {
                continue;
            }
            Digest digest;
            try {
                digest = KmodImage.add(directory, module, Optional.ofNullable(base), tag);
            } catch (IOException e) {
                throw new Trouble(KmodfleetCommand.FAILED, e.getMessage() + ".");
            }
            images.addObject()
                    .put("tag", tag)
                    .put("image", digest.toString())
                    .put("package", stored.digest().toString());
        }
        if (print.isJson()) {
            print.json(images);
        } else {
            images.forEach(image -> Printing.line(
                    "✔ %s  %s", image.path("tag").asText(), image.path("image").asText()));
        }
        return 0;
    }

    @Command(
            name = "kernel-mappings",
            description = {
                "Print the kernelMappings of a Module resource (kmm.sigs.x-k8s.io/v1beta1) for the packages in the store, so that the",
                "Kernel Module Management operator loads the images that 'kmodfleet export image' made."
            })
    int kernelMappings(
            @Mixin FleetApi fleet,
            @Mixin Choice choice,
            @Parameters(
                            paramLabel = "IMAGE",
                            description = "Registry and name that the images have, as registry.example/kmod.")
                    String image)
            throws IOException {
        if (!image.matches("[A-Za-z0-9.:/_-]+")) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected an image like registry.example/kmod, but got '" + image + "'.");
        }
        List<KernelMappings.Mapping> mappings = new ArrayList<>();
        for (Stored stored : choice.of(fleet)) {
            mappings.add(
                    KernelMappings.of(read(verified(fleet, stored.digest())).manifest()));
        }
        System.out.print(KernelMappings.yaml(mappings, image));
        return 0;
    }

    private static ModulePackage read(byte[] archive) {
        try {
            return ModulePackage.read(archive);
        } catch (Refusal e) {
            throw new Trouble(KmodfleetCommand.FAILED, e.rule() + ": " + e.evidence());
        }
    }

    private static byte[] verified(FleetApi fleet, Digest digest) throws IOException {
        byte[] bytes = fleet.bytesFromStore("/api/v1/packages/" + digest.hex());
        if (!Digest.of(bytes).equals(digest)) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    "Expected the bytes of " + digest + ", but others came: changed on the way, or in the store.");
        }
        return bytes;
    }
}
