package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.Needs;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.Leftovers.Kind;
import io.kmodfleet.agent.install.Leftovers.Leftover;
import io.kmodfleet.agent.install.SelfTest.Verdict;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Self-tests on real loop devices of this machine. */
class SelfTestIT {

    private static final String CONF = "PACKAGE_NAME=toy\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=toy\n";

    @TempDir
    private Path state;

    private final HostRoot root = new HostRoot(Path.of("/"));
    private HostPrograms programs;

    @BeforeEach
    void root() {
        Needs.root();
        programs = new HostPrograms(root);
    }

    @AfterEach
    void nothing_is_left_behind() throws Exception {
        assertThat(state.resolve("self-test")).doesNotExist();
        assertThat(programs.run(Duration.ofMinutes(1), List.of("losetup", "--list", "--output", "BACK-FILE"))
                        .output())
                .doesNotContain(state.toString());
    }

    @Test
    void a_program_that_finds_its_device_good_passes_the_module() throws Exception {
        Verdict verdict = run("""
                [ "$(blockdev --getsize64 "$1")" = 67108864 ] || exit 1
                echo written | dd of="$1" conv=notrunc status=none && head -c 7 "$1" | grep -q written
                [ "$(wc -l </proc/net/dev)" = 3 ]
                """);

        assertThat(verdict.passed()).isTrue();
        assertThat(verdict.fault()).isEmpty();
    }

    @Test
    void a_program_that_fails_speaks_against_the_module_with_its_last_words() throws Exception {
        Verdict verdict = run("echo 'the snapshot differs' >&2; exit 3");

        assertThat(verdict.passed()).isFalse();
        assertThat(verdict.fault()).hasValueSatisfying(why -> assertThat(why)
                .isEqualTo("the self-test of its source package exited with 3: the snapshot differs"));
    }

    @Test
    void a_program_that_does_not_end_is_ended_and_speaks_against_the_module() throws Exception {
        assertThat(run("sleep 1000", Duration.ofSeconds(2)).fault())
                .hasValueSatisfying(why -> assertThat(why).contains("did not end within 2 s"));
    }

    @Test
    void a_source_without_one_says_nothing_of_the_module() throws Exception {
        SourcePackage without = source(List.of(file("dkms.conf", CONF, false)));

        Verdict verdict = new SelfTest(root, programs, state).run(without);

        assertThat(verdict).isEqualTo(new Verdict(false, java.util.Optional.empty()));
    }

    @Test
    void what_a_killed_test_left_is_found_and_cleared_away() throws Exception {
        Path disk = Files.createDirectories(state.resolve("self-test")).resolve("scratch.img");
        Files.write(disk, new byte[1024 * 1024]);
        assertThat(programs.run(Duration.ofMinutes(1), List.of("losetup", "--find", "--show", disk.toString()))
                        .isSuccess())
                .isTrue();
        Leftovers leftovers = new Leftovers(root, programs, state);

        assertThat(leftovers.find()).extracting(Leftover::kind).contains(Kind.SELF_TEST);
        SelfTest.clear(root, programs, SelfTest.placeIn(state));
    }

    private Verdict run(String script) throws Exception {
        return run(script, Duration.ofMinutes(1));
    }

    private Verdict run(String script, Duration limit) throws Exception {
        SourcePackage with = source(List.of(
                file("dkms.conf", CONF, false), file("kmodfleet/self-test", "#!/bin/sh\n" + script + "\n", true)));
        return new SelfTest(root, programs, state, limit).run(with);
    }

    private static SourcePackage source(List<SourceFile> files) throws Exception {
        return SourcePackage.read(SourcePackage.write(files));
    }

    private static SourceFile file(String path, String text, boolean program) {
        return new SourceFile(path, text.getBytes(StandardCharsets.UTF_8), program);
    }
}
