package io.kmodfleet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.pack.PackageFixture;
import io.kmodfleet.contracts.wire.FleetJson;
import io.quarkus.test.junit.main.LaunchResult;
import io.quarkus.test.junit.main.QuarkusMainLauncher;
import io.quarkus.test.junit.main.QuarkusMainTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What leaves one fleet and comes into another, over real HTTP, with the real depmod and modprobe. */
@QuarkusMainTest
class CarryIT {

    private static final byte[] PACKAGE = PackageFixture.archive();
    private static final byte[] SOURCE = PackageFixture.SOURCE;
    private static final byte[] LOG = "made\n".getBytes(StandardCharsets.UTF_8);
    private static final String RELEASE = "6.1.0-56-amd64";
    private static final String NAME = "toy-6.1.0-56-amd64-1.0.tar.gz";

    @TempDir
    Path directory;

    private FakeFleet fleet;
    private QuarkusMainLauncher launcher;

    @BeforeEach
    void start(QuarkusMainLauncher launcher) throws IOException {
        this.fleet = new FakeFleet();
        this.launcher = launcher;
        list("proven");
        fleet.answers(
                "GET /api/v1/sources?limit=1000",
                200,
                "{\"items\":[{\"digest\":\"%s\",\"size\":%d,\"fileName\":\"toy-1.0-source.tar.gz\"}]}"
                        .formatted(Digest.of(SOURCE), SOURCE.length));
        fleet.offers("/api/v1/packages/" + Digest.of(PACKAGE).hex(), PACKAGE);
        fleet.offers("/api/v1/sources/" + Digest.of(SOURCE).hex(), SOURCE);
        fleet.offers("/api/v1/logs/" + Digest.of(LOG).hex(), LOG);
    }

    private void list(String state) {
        PackageManifest manifest = PackageFixture.manifest(PackageFixture.module());
        fleet.answers("GET /api/v1/packages?limit=1000", 200, """
                {"items":[{"digest":"%s","module":"toy","moduleVersion":"1.0","state":"%s","target":%s,"fileName":"%s","size":%d,"log":"%s",
                 "kernelVersion":"#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-10-01)"}]}
                """.formatted(
                Digest.of(PACKAGE), state, FleetJson.write(manifest.target()), NAME, PACKAGE.length, Digest.of(LOG)));
    }

    @AfterEach
    void end() {
        fleet.close();
    }

    @Test
    void a_bundle_brings_packages_with_their_sources_and_logs_into_another_fleet() throws Exception {
        Path bundle = directory.resolve("fleet.bundle");

        JsonNode exported = FleetJson.mapper()
                .readTree(
                        run("export", "bundle", bundle.toString(), "-o", "json").getOutput());
        try (FakeFleet other = new FakeFleet()) {
            for (String file : List.of(
                    "sources/" + Digest.of(SOURCE).hex(),
                    "logs/" + Digest.of(LOG).hex(),
                    "packages/" + Digest.of(PACKAGE).hex())) {
                other.answers("PUT /api/v1/" + file, 201, "");
            }
            LaunchResult imported = launcher.launch(
                    "import",
                    "bundle",
                    bundle.toString(),
                    "--index",
                    exported.path("index").asText(),
                    "--store",
                    other.address());

            assertThat(imported.exitCode()).as(imported.getErrorOutput()).isZero();
            assertThat(imported.getOutput()).contains("3 files taken, 0 were there already");
            assertThat(other.requests()).extracting(FakeFleet.Request::body).containsExactly(SOURCE, LOG, PACKAGE);
        }
        assertThat(exported.path("files").asInt()).isEqualTo(3);
    }

    @Test
    void a_bundle_with_another_index_is_refused_before_anything_is_sent() throws Exception {
        Path bundle = directory.resolve("fleet.bundle");
        run("export", "bundle", bundle.toString());
        int before = fleet.requests().size();

        LaunchResult imported = run(
                "import",
                "bundle",
                bundle.toString(),
                "--index",
                Samples.digest("x").toString());

        assertThat(imported.exitCode()).isEqualTo(1);
        assertThat(imported.getErrorOutput()).contains("Nothing was sent");
        assertThat(fleet.requests()).hasSize(before);
    }

    @Test
    void what_the_other_store_refuses_is_named_and_stops_nothing_else() throws Exception {
        Path bundle = directory.resolve("fleet.bundle");
        run("export", "bundle", bundle.toString());
        fleet.answers(
                "PUT /api/v1/sources/" + Digest.of(SOURCE).hex(),
                422,
                "{\"rule\":\"BAD_DKMS_CONF\",\"detail\":\"Expected another.\"}");
        fleet.answers("PUT /api/v1/logs/" + Digest.of(LOG).hex(), 200, "");
        fleet.answers("PUT /api/v1/packages/" + Digest.of(PACKAGE).hex(), 201, "");

        LaunchResult imported = run("import", "bundle", bundle.toString());

        assertThat(imported.exitCode()).isEqualTo(1);
        assertThat(imported.getOutput())
                .contains("1 files taken, 1 were there already")
                .contains("not taken: toy-1.0-source.tar.gz: BAD_DKMS_CONF: Expected another.");
    }

    @Test
    void packages_lie_where_the_guides_server_looks_and_come_back_from_there() throws Exception {
        LaunchResult exported = run("export", "guide", directory.toString());
        Path file = directory.resolve("dkms/debian/12/" + NAME);
        Files.writeString(directory.resolve("dkms/debian/12/foreign.tar.gz"), "not one of ours");
        fleet.answers("PUT /api/v1/packages/" + Digest.of(PACKAGE).hex(), 201, "");

        LaunchResult imported = run("import", "guide", directory.toString());

        assertThat(exported.exitCode()).as(exported.getErrorOutput()).isZero();
        assertThat(file).hasBinaryContent(PACKAGE);
        assertThat(imported.exitCode()).isEqualTo(1);
        assertThat(imported.getOutput())
                .contains("1 files taken")
                .contains("not taken: dkms/debian/12/foreign.tar.gz: NOT_AN_ARCHIVE");
    }

    @Test
    void a_kmod_image_holds_the_module_where_the_operator_loads_it_from_and_modprobe_finds_it_there() throws Exception {
        Path layout = directory.resolve("layout");

        LaunchResult made = run("export", "image", layout.toString());
        LaunchResult again = run("export", "image", layout.toString(), "-o", "json");

        assertThat(made.exitCode()).as(made.getErrorOutput()).isZero();
        JsonNode index =
                FleetJson.mapper().readTree(layout.resolve("index.json").toFile());
        assertThat(index.path("manifests")).hasSize(1);
        assertThat(FleetJson.mapper().readTree(again.getOutput()).get(0).path("image"))
                .as("the same package, the same image")
                .isEqualTo(index.path("manifests").get(0).path("digest"));
        JsonNode manifest = blob(layout, index.path("manifests").get(0));
        assertThat(blob(layout, manifest.path("config")).path("rootfs").path("diff_ids"))
                .hasSize(1);
        Path unpacked = Files.createDirectories(directory.resolve("unpacked"));
        exec("tar", "-xzf", path(layout, manifest.path("layers").get(0)).toString(), "-C", unpacked.toString());
        assertThat(unpacked.resolve("opt/lib/modules/" + RELEASE + "/toy.ko"))
                .hasBinaryContent(PackageFixture.module());
        assertThat(exec("modprobe", "-d", unpacked.resolve("opt").toString(), "-S", RELEASE, "--show-depends", "toy"))
                .contains("insmod " + unpacked.resolve("opt/lib/modules/" + RELEASE + "/toy.ko"));
    }

    @Test
    void an_image_comes_on_top_of_a_base_image() throws Exception {
        Path base = directory.resolve("base");
        run("export", "image", base.toString());

        LaunchResult made = run("export", "image", directory.resolve("layout").toString(), "--base", base.toString());

        assertThat(made.exitCode()).as(made.getErrorOutput()).isZero();
        JsonNode index = FleetJson.mapper()
                .readTree(directory.resolve("layout/index.json").toFile());
        JsonNode manifest =
                blob(directory.resolve("layout"), index.path("manifests").get(0));
        assertThat(manifest.path("layers")).hasSize(2);
        assertThat(blob(directory.resolve("layout"), manifest.path("config"))
                        .path("rootfs")
                        .path("diff_ids"))
                .hasSize(2);
        LaunchResult none = run("export", "image", directory.resolve("x").toString(), "--base", directory.toString());
        assertThat(none.exitCode()).isEqualTo(1);
        assertThat(none.getErrorOutput()).contains("Expected an OCI image layout");
    }

    @Test
    void what_no_host_has_proven_goes_only_where_it_is_asked_for_and_what_was_recalled_never() {
        list("candidate");
        LaunchResult unproven = run("export", "kernel-mappings", "registry.example/kmod");
        LaunchResult wanted = run("export", "kernel-mappings", "registry.example/kmod", "--candidates");
        list("recalled");
        LaunchResult recalled = run("export", "kernel-mappings", "registry.example/kmod", "--candidates");

        assertThat(unproven.exitCode()).isEqualTo(4);
        assertThat(unproven.getErrorOutput()).contains("--candidates");
        assertThat(wanted.getOutput()).contains(RELEASE);
        assertThat(recalled.exitCode()).isEqualTo(4);
    }

    @Test
    void kernel_mappings_name_the_image_of_each_kernel() {
        LaunchResult printed = run("export", "kernel-mappings", "registry.example/kmod");

        assertThat(printed.getOutput())
                .contains("  - literal: \"6.1.0-56-amd64\"")
                .contains("    containerImage: \"registry.example/kmod:toy-1.0-6.1.0-56-amd64\"");
    }

    @Test
    void nothing_to_export_is_4_and_a_changed_package_is_never_written() throws Exception {
        fleet.answers("GET /api/v1/packages?limit=1000&module=nothing", 200, "{\"items\":[]}");
        LaunchResult none = run("export", "bundle", directory.resolve("x").toString(), "--module", "nothing");
        byte[] changed = PACKAGE.clone();
        changed[100] ^= 1;
        fleet.offers("/api/v1/packages/" + Digest.of(PACKAGE).hex(), changed);

        LaunchResult refused = run("export", "bundle", directory.resolve("y").toString());
        LaunchResult alsoRefused = run("export", "guide", directory.toString());

        assertThat(none.exitCode()).isEqualTo(4);
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(alsoRefused.exitCode()).isEqualTo(1);
        assertThat(directory).isEmptyDirectory();
    }

    private static JsonNode blob(Path layout, JsonNode descriptor) throws IOException {
        byte[] bytes = Files.readAllBytes(path(layout, descriptor));
        assertThat(Digest.of(bytes).toString())
                .isEqualTo(descriptor.path("digest").asText());
        assertThat(bytes).hasSize(descriptor.path("size").asInt());
        return FleetJson.mapper().readTree(bytes);
    }

    private static Path path(Path layout, JsonNode descriptor) {
        return layout.resolve("blobs/sha256/"
                + Digest.parse(descriptor.path("digest").asText()).hex());
    }

    private static String exec(String... line) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private LaunchResult run(String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        line.addAll(List.of("--store", fleet.address()));
        return launcher.launch(line.toArray(String[]::new));
    }
}
