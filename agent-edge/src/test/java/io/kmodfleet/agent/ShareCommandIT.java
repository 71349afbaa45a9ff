package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.agent.dkms.ToySource;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code share} on a host whose admin used dkms by hand before, with the real dkms; in this order, for the build is the slow part. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ShareCommandIT {

    private static final String CONFIG = "#!/bin/sh\necho '#define KFREE_ADDR 0xffffffff81000010' >kernel-config.h\n";

    private Path work;
    private Path root;
    private String release;
    private TestStore store;
    private SourcePackage source;

    @BeforeAll
    void builtByHand(@TempDir(cleanup = CleanupMode.NEVER) Path temporary) throws Exception {
        Path roots = Needs.hostRoots();
        work = temporary;
        root = Copies.of(roots.resolve("a"), work.resolve("host"));
        store = new TestStore();
        Properties facts = new Properties();
        try (var in = Files.newBufferedReader(roots.resolve("roots.env"))) {
            facts.load(in);
        }
        release = facts.getProperty("KERNEL");
        source = ToySource.with(CONFIG);
        layOut(source);
        dkms("add", "kmf_toy/1.0");
        dkms("build", "kmf_toy/1.0", "-k", release);
    }

    @AfterAll
    void end() throws Exception {
        if (store != null) {
            store.close();
            Copies.delete(work);
        }
    }

    @Test
    @Order(1)
    void without_its_source_nothing_is_shared_and_the_command_that_publishes_it_is_named() throws Exception {
        Call ended = share();

        assertThat(ended.code()).isEqualTo(AgentCommand.REFUSED);
        assertThat(ended.output())
                .contains("Left out kmf_toy 1.0 for " + release)
                .contains("kmodfleet source publish /usr/src/kmf_toy-1.0");
    }

    @Test
    @Order(2)
    void another_source_of_that_version_is_not_taken_for_it() throws Exception {
        store.put(
                "sources",
                SourcePackage.write(ToySource.with("#!/bin/sh\n# Another.\n").files()));

        assertThat(share().output()).contains("there are 0 of 1");
    }

    @Test
    @Order(3)
    void a_dry_run_names_the_package_and_sends_nothing() throws Exception {
        store.put("sources", SourcePackage.write(source.files()));

        Call ended = share("--dry-run", "-o", "json");

        assertThat(ended.code()).as(ended.output()).isZero();
        assertThat(store.get("packages", onlyPackage(ended.json()))).isNull();
    }

    @Test
    @Order(4)
    void what_dkms_built_before_becomes_a_package_with_its_log_and_this_host_is_not_changed() throws Exception {
        Call ended = share("-o", "json");

        assertThat(ended.code()).as(ended.output()).isZero();
        ModulePackage shared = ModulePackage.read(store.get("packages", onlyPackage(ended.json())));
        assertThat(shared.manifest().target().release()).isEqualTo(release);
        assertThat(shared.manifest().target().source()).isEqualTo(source.digest());
        assertThat(shared.manifest().build()).isEmpty();
        assertThat(new String(store.get("logs", shared.manifest().log()), StandardCharsets.UTF_8))
                .contains("DKMS make.log for kmf_toy-1.0 for kernel " + release);
        assertThat(dkms("status")).contains("kmf_toy/1.0, " + release + ", x86_64: built");
    }

    @Test
    @Order(5)
    void a_module_that_is_older_than_the_image_was_built_for_another_one() throws Exception {
        Path module = module();
        FileTime before = Files.getLastModifiedTime(module);
        Files.setLastModifiedTime(module, FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));

        assertThat(share().output()).contains("Expected it to be built after the image of " + release);

        Files.setLastModifiedTime(module, before);
    }

    @Test
    @Order(6)
    void a_source_that_was_touched_after_the_build_may_not_be_what_was_built() throws Exception {
        Path code = root.resolve("usr/src/kmf_toy-1.0/kmf_toy.c");
        FileTime before = Files.getLastModifiedTime(code);
        Files.setLastModifiedTime(code, FileTime.from(Instant.now().plusSeconds(60)));

        assertThat(share().output()).contains("/usr/src/kmf_toy-1.0/kmf_toy.c was changed after it");

        Files.setLastModifiedTime(code, before);
    }

    @Test
    @Order(7)
    void a_tarball_of_a_module_that_is_bound_to_one_image_is_not_believed() throws Exception {
        dkms("mktarball", "kmf_toy/1.0", "-k", release, "--archive", "toy.dkms.tar.gz");
        Path tarball = root.resolve("var/lib/dkms/kmf_toy/1.0/tarball/toy.dkms.tar.gz");

        Call ended = share(tarball.toString());

        assertThat(ended.code()).isEqualTo(AgentCommand.REFUSED);
        assertThat(ended.output()).contains("there are 2 of 2");
        assertThat(share(work.resolve("nowhere").toString()).errors()).contains("is not there");
        assertThat(share(Files.writeString(work.resolve("junk"), "junk").toString())
                        .errors())
                .contains("Expected");
    }

    @Test
    @Order(8)
    void out_of_a_tarball_only_the_module_is_taken_where_it_fits_the_kernel() throws Exception {
        store.close();
        store = new TestStore();
        List<SourceFile> loose = new ArrayList<>();
        for (SourceFile file : source.files()) {
            byte[] bytes = new String(file.bytes(), StandardCharsets.UTF_8)
                    .replace("NO_WEAK_MODULES=\"yes\"\n", "")
                    .getBytes(StandardCharsets.UTF_8);
            loose.add(new SourceFile(
                    file.path(), file.path().equals("dkms.conf") ? bytes : file.bytes(), file.program()));
        }
        store.put("sources", SourcePackage.write(loose));
        Path tarball = root.resolve("var/lib/dkms/kmf_toy/1.0/tarball/toy.dkms.tar.gz");

        Call ended = share(tarball.toString(), "-o", "json");

        assertThat(ended.code()).as(ended.output() + ended.errors()).isZero();
        byte[] module = Files.readAllBytes(module());
        assertThat(ModulePackage.read(store.get("packages", onlyPackage(ended.json())))
                        .moduleFiles())
                .containsExactly(module);
    }

    private Digest onlyPackage(JsonNode sharing) {
        assertThat(sharing.path("builds")).hasSize(1);
        return Digest.parse(sharing.path("builds").get(0).path("packageDigest").asText());
    }

    private Path module() throws IOException {
        try (var files = Files.list(root.resolve("var/lib/dkms/kmf_toy/1.0/" + release + "/x86_64/module"))) {
            return files.findFirst().orElseThrow();
        }
    }

    private void layOut(SourcePackage laid) throws IOException {
        Path tree = Files.createDirectories(root.resolve("usr/src/kmf_toy-1.0"));
        for (SourceFile file : laid.files()) {
            Path at = Files.write(tree.resolve(file.path()), file.bytes());
            Files.setPosixFilePermissions(
                    at, PosixFilePermissions.fromString(file.program() ? "rwxr-xr-x" : "rw-r--r--"));
        }
    }

    private String dkms(String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" dkms \"$@\"",
                root.toString()));
        line.addAll(List.of(arguments));
        Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private Call share(String... arguments) {
        List<String> line = new ArrayList<>(List.of(
                "share",
                "--root",
                root.toString(),
                "--state",
                work.resolve("state").toString(),
                "--store",
                store.address().toString()));
        line.addAll(List.of(arguments));
        return Call.of(line);
    }
}
