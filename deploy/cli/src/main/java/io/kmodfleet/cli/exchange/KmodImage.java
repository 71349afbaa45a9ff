package io.kmodfleet.cli.exchange;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.module.Compression;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;

/**
 * A kmod image as the Kubernetes Kernel Module Management operator loads it: the modules below {@code /opt/lib/modules/<release>/}
 * with what depmod says of them, as an OCI image layout (image-layout.md of the OCI image specification, version 1.0.0). The same
 * package gives the same bytes.
 */
public final class KmodImage {

    private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    private static final String CONFIG = "application/vnd.oci.image.config.v1+json";
    private static final String LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
    private static final Map<String, String> ARCHITECTURES =
            Map.of("x86_64", "amd64", "aarch64", "arm64", "ppc64le", "ppc64le", "s390x", "s390x", "riscv64", "riscv64");

    private final Path layout;

    private KmodImage(Path layout) {
        this.layout = layout;
    }

    /**
     * Adds the image of a package to an OCI image layout, which is begun where there is none.
     *
     * @param base another layout with one image, on top of which the modules come; absent for an image of the modules alone
     * @param tag what the image is called in the layout
     * @return the digest of its manifest
     */
    public static Digest add(Path layout, ModulePackage module, java.util.Optional<Path> base, String tag)
            throws IOException, InterruptedException {
        Files.createDirectories(layout.resolve("blobs/sha256"));
        return new KmodImage(layout).add(module, base, tag);
    }

    private Digest add(ModulePackage module, java.util.Optional<Path> base, String tag)
            throws IOException, InterruptedException {
        byte[] tar = tarOf(filesOf(module));
        byte[] layer = gzip(tar);
        ObjectNode config = FleetJson.mapper().createObjectNode();
        ArrayNode layers = FleetJson.mapper().createArrayNode();
        if (base.isPresent()) {
            config = takeBase(base.get(), layers);
        }
        PackageManifest manifest = module.manifest();
        config.put(
                "architecture",
                ARCHITECTURES.getOrDefault(
                        manifest.target().arch(), manifest.target().arch()));
        config.put("os", "linux");
        config.withObject("/rootfs")
                .put("type", "layers")
                .withArray("diff_ids")
                .add(Digest.of(tar).toString());
        config.withArray("history")
                .addObject()
                .put("created_by", "kmodfleet export image")
                .put("comment", "package " + module.digest());
        layers.add(descriptor(LAYER, write(layer), layer.length));

        byte[] configBytes = FleetJson.writeBytes(config);
        ObjectNode image = FleetJson.mapper().createObjectNode();
        image.put("schemaVersion", 2).put("mediaType", MANIFEST);
        image.set("config", descriptor(CONFIG, write(configBytes), configBytes.length));
        image.set("layers", layers);
        image.putObject("annotations")
                .put("io.kmodfleet.package", module.digest().toString())
                .put("io.kmodfleet.kernel.image", manifest.target().image().toString())
                .put("io.kmodfleet.source", manifest.target().source().toString());
        byte[] imageBytes = FleetJson.writeBytes(image);
        Digest digest = write(imageBytes);
        enter(descriptor(MANIFEST, digest, imageBytes.length), tag);
        return digest;
    }

    /** Uncompressed, for not every kmod in an image can read each compression; depmod's files are of kmod here. */
    private static Map<String, byte[]> filesOf(ModulePackage module) throws IOException, InterruptedException {
        String release = module.manifest().target().release();
        Path scratch = Files.createTempDirectory("kmodfleet-image");
        Path modules = Files.createDirectories(scratch.resolve("lib/modules/" + release));
        try {
            Map<String, byte[]> files = new TreeMap<>();
            for (int i = 0; i < module.moduleFiles().size(); i++) {
                String name = module.manifest().modules().get(i).name() + ".ko";
                byte[] file = Compression.expand(module.moduleFiles().get(i));
                Files.write(modules.resolve(name), file);
                files.put(name, file);
            }
            depmod(scratch, release);
            try (var made = Files.list(modules)) {
                for (Path file : made.toList()) {
                    files.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
            Map<String, byte[]> placed = new TreeMap<>();
            files.forEach((name, bytes) -> placed.put("opt/lib/modules/" + release + "/" + name, bytes));
            return placed;
        } catch (NotAModule e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            try (var all = Files.walk(scratch)) {
                for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    private static void depmod(Path root, String release) throws IOException, InterruptedException {
        Process depmod;
        try {
            ProcessBuilder builder =
                    new ProcessBuilder("depmod", "-b", root.toString(), release).redirectErrorStream(true);
            builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
            depmod = builder.start();
        } catch (IOException e) {
            throw new IOException(
                    "Expected depmod, which says how modules depend on each other, but it is not installed. Install kmod",
                    e);
        }
        String output = new String(depmod.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!depmod.waitFor(1, TimeUnit.MINUTES) || depmod.exitValue() != 0) {
            throw new IOException("Expected depmod to read the modules, but it said: " + output.strip());
        }
    }

    /** Copies what the image of that layout is made of, and gives its configuration. */
    private ObjectNode takeBase(Path base, ArrayNode layers) throws IOException {
        JsonNode index = json(base.resolve("index.json"));
        if (index.path("manifests").size() != 1) {
            throw new IOException("Expected an OCI image layout with one image in " + base + ", but it has "
                    + index.path("manifests").size() + ". Copy the one you want into a layout of its own");
        }
        byte[] manifestBytes = blob(base, index.path("manifests").get(0));
        JsonNode manifest = FleetJson.mapper().readTree(manifestBytes);
        if (!manifest.has("layers")) {
            throw new IOException("Expected an image of one platform in " + base
                    + ", but it is an index of several. Copy the one you want into a layout of its own");
        }
        for (JsonNode layer : manifest.path("layers")) {
            write(blob(base, layer));
            layers.add(layer);
        }
        return (ObjectNode) FleetJson.mapper().readTree(blob(base, manifest.path("config")));
    }

    private static byte[] blob(Path layout, JsonNode descriptor) throws IOException {
        Digest digest;
        try {
            digest = Digest.parse(descriptor.path("digest").asText());
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    "Expected a SHA-256 digest in the image layout " + layout + ", but " + e.getMessage());
        }
        byte[] bytes = Files.readAllBytes(layout.resolve("blobs/sha256/" + digest.hex()));
        if (!Digest.of(bytes).equals(digest)) {
            throw new IOException("Expected the bytes of " + digest + " in " + layout + ", but they are others");
        }
        return bytes;
    }

    private static JsonNode json(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException("Expected an OCI image layout, but there is no " + file);
        }
        try {
            return FleetJson.mapper().readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            throw new IOException("Expected JSON in " + file + ", but " + e.getOriginalMessage());
        }
    }

    /** In the index of the layout; an image that had that tag before is replaced. */
    private void enter(ObjectNode descriptor, String tag) throws IOException {
        Path file = layout.resolve("index.json");
        ObjectNode index = FleetJson.mapper().createObjectNode().put("schemaVersion", 2);
        ArrayNode manifests = index.putArray("manifests");
        if (Files.exists(file)) {
            for (JsonNode known : json(file).path("manifests")) {
                if (!tagOf(known).equals(tag)) {
                    manifests.add(known);
                }
            }
        }
        descriptor.putObject("annotations").put("org.opencontainers.image.ref.name", tag);
        manifests.add(descriptor);
        Files.write(
                layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
        Files.write(file, FleetJson.writeBytes(index));
    }

    private static String tagOf(JsonNode descriptor) {
        return descriptor
                .path("annotations")
                .path("org.opencontainers.image.ref.name")
                .asText();
    }

    private static ObjectNode descriptor(String mediaType, Digest digest, long size) {
        return FleetJson.mapper()
                .createObjectNode()
                .put("mediaType", mediaType)
                .put("digest", digest.toString())
                .put("size", size);
    }

    private Digest write(byte[] blob) throws IOException {
        Digest digest = Digest.of(blob);
        Files.write(layout.resolve("blobs/sha256/" + digest.hex()), blob);
        return digest;
    }

    private static byte[] tarOf(Map<String, byte[]> files) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            Set<String> directories = new TreeSet<>();
            for (String name : files.keySet()) {
                for (int slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
                    directories.add(name.substring(0, slash + 1));
                }
            }
            for (String directory : directories) {
                put(tar, directory, new byte[0], 0755);
            }
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                put(tar, file.getKey(), file.getValue(), 0644);
            }
        }
        return out.toByteArray();
    }

    private static void put(TarArchiveOutputStream tar, String name, byte[] bytes, int mode) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, true);
        entry.setSize(bytes.length);
        entry.setMode(mode);
        entry.setModTime(0L);
        entry.setIds(0, 0);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GzipCompressorOutputStream gzip = new GzipCompressorOutputStream(out, new GzipParameters())) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
