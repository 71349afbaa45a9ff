package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.dkms.ToySource;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code build} as an admin calls it, on a host root, with nothing in reach. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BuildCommandIT {

    private Path work;
    private Path root;

    @BeforeAll
    void host(@TempDir(cleanup = CleanupMode.NEVER) Path temporary) throws Exception {
        Path roots = Needs.hostRoots();
        work = temporary;
        root = Copies.of(roots.resolve("a"), work.resolve("host"));
    }

    @AfterAll
    void end() throws Exception {
        if (work != null) {
            Copies.delete(work);
        }
    }

    @Test
    void a_source_directory_becomes_a_package_with_the_guides_name_that_no_decision_asked_for() throws Exception {
        Path source = layOut(SourcePackage.read(SourcePackage.write(
                ToySource.with("#!/bin/sh\necho '#define KFREE_ADDR 0xffffffff81000010' >kernel-config.h\n")
                        .files())));
        Files.createDirectories(source.resolve(".git"));
        Files.writeString(source.resolve(".git/HEAD"), "ref");

        Call ended = build(
                "--source", source.toString(), "--out", work.resolve("out").toString(), "-o", "json");

        assertThat(ended.code()).isZero();
        Path file = Path.of(ended.json().get("file").asText());
        assertThat(file.getFileName().toString()).matches("kmf_toy-6\\.1\\..*-amd64-1\\.0\\.tar\\.gz");
        ModulePackage made = ModulePackage.read(Files.readAllBytes(file));
        assertThat(made.manifest().build()).isEmpty();
        assertThat(made.manifest().moduleVersion()).isEqualTo("1.0");
    }

    @Test
    void a_source_that_does_not_compile_has_an_exit_code_of_its_own_and_the_compilers_words() throws Exception {
        Path archive = Files.write(
                work.resolve("broken.tar.gz"),
                SourcePackage.write(ToySource.broken().files()));

        Call ended = build(
                "--source", archive.toString(), "--out", work.resolve("none").toString());

        assertThat(ended.code()).isEqualTo(AgentCommand.BUILD_FAILED);
        assertThat(ended.output()).contains("[ERROR] dkms build exited with 10", "this does not build");
        assertThat(work.resolve("none")).doesNotExist();
    }

    @Test
    void a_dry_run_says_what_would_be_done_and_changes_nothing() throws Exception {
        Path state = work.resolve("state of a dry run");

        Call ended =
                build("--source", layOut(ToySource.readingAMap()).toString(), "--dry-run", "--state", state.toString());

        assertThat(ended.code()).as(ended.errors()).isZero();
        assertThat(ended.errors() + ended.output()).contains("would run dkms build", "symbol map");
        assertThat(state).doesNotExist();
    }

    @Test
    void what_is_no_source_and_what_is_no_kernel_are_each_a_sentence() throws Exception {
        Path empty = Files.createDirectories(work.resolve("empty"));
        Path junk = Files.writeString(work.resolve("junk.tar.gz"), "junk");

        assertThat(build("--source", empty.toString()).errors()).contains("Expected dkms.conf");
        assertThat(build("--source", junk.toString()).errors())
                .contains("Expected")
                .contains("junk.tar.gz");
        assertThat(build("--source", work.resolve("nowhere").toString()).errors())
                .contains("is neither");
        assertThat(build("--source", empty.toString(), "--kernel", "9.9").errors())
                .contains("Expected kernel 9.9, but there are: 6.1.");
    }

    private Path layOut(SourcePackage source) throws IOException {
        Path directory = Files.createTempDirectory(work, "source");
        for (SourceFile file : source.files()) {
            Path at = Files.write(directory.resolve(file.path()), file.bytes());
            Files.setPosixFilePermissions(
                    at, PosixFilePermissions.fromString(file.program() ? "rwxr-xr-x" : "rw-r--r--"));
        }
        return directory;
    }

    private Call build(String... arguments) {
        List<String> line = new ArrayList<>(List.of("build", "--root", root.toString()));
        line.addAll(List.of(arguments));
        if (!line.contains("--state")) {
            line.addAll(List.of("--state", work.resolve("state").toString()));
        }
        return Call.of(line);
    }
}
