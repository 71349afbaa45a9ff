package io.kmodfleet.agent;

import static io.kmodfleet.agent.Kernels.HOST;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import io.kmodfleet.agent.host.SystemTree;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged program, started the way a person starts it, on hosts that are not as they should be. */
class CommandLineIT {

    private static final Path PROGRAM =
            Path.of("../deploy/kmodfleet-agent").toAbsolutePath().normalize();
    private static final String RELEASE = "6.1.0-56-amd64";

    @TempDir
    Path directory;

    private SystemTree tree;

    /** How a run ended, and what it printed. */
    private record Ended(int exitCode, String out, String err) {}

    @BeforeEach
    void tree() throws IOException {
        tree = new SystemTree(
                Files.createDirectory(directory.resolve("host")),
                Needs.hostRoots().resolve("a"));
    }

    @Test
    void a_root_without_os_release_is_told_from_a_host_by_every_command_and_stays_as_it_was() throws Exception {
        tree.image("/boot/vmlinuz-" + RELEASE);

        for (String command : List.of("status", "preflight", "install", "doctor", "uninstall", "run")) {
            Ended ended = unchanged(1, command, "--root", root());
            assertThat(ended.err()).as(command).contains("[ERROR] Expected the root directory of a Linux system, but ");
        }
        unchanged(0, "notify", "--root", root());
    }

    @Test
    void a_root_that_is_not_there_and_options_that_do_not_exist_are_said_in_a_sentence() throws Exception {
        tree.debian();

        assertThat(unchanged(1, "status", "--root", root() + "/nowhere").err())
                .contains("[ERROR] Expected a directory after --root, but ");
        assertThat(unchanged(2, "status", "--rot", root()).err()).contains("Unknown option");
        assertThat(unchanged(2, "install", "--root", root(), "--timeout", "soon")
                        .err())
                .contains("Invalid value for option '--timeout'");
        assertThat(unchanged(2, "instal").err()).contains("Unmatched argument");
        assertThat(unchanged(1, "status", "--root", root(), "--label", "noequals")
                        .err())
                .contains("[ERROR] Expected NAME=VALUE in --label");
    }

    @Test
    void a_kernel_that_is_not_there_is_named_with_those_that_are() throws Exception {
        tree.debian().image("/boot/vmlinuz-" + RELEASE).write("/lib/modules/6.1.0-99-amd64/kernel/x", "");

        Ended ended = unchanged(1, "preflight", "--root", root(), "--kernel", "6.1.0-99-amd64");

        assertThat(ended.err())
                .contains(
                        "[ERROR] Expected kernel 6.1.0-99-amd64 to be installed, but it is not. There are: " + RELEASE);
    }

    @Test
    void headers_without_their_image_are_no_ground_to_build_on() throws Exception {
        tree.debian().headers(RELEASE, "/usr/src/linux-headers-" + RELEASE);

        Ended ended = unchanged(1, "preflight", "--root", root());

        assertThat(ended.out())
                .contains("the image of " + RELEASE + " is not installed")
                .contains("apt-get install linux-image-" + RELEASE);
        assertThat(unchanged(0, "status", "--root", root()).out())
                .contains("? safe to reboot: unknown, no kernel image of it can be read");
    }

    @Test
    void without_dkms_an_installation_that_asks_for_it_ends_before_anything_is_done() throws Exception {
        tree.debian().image("/boot/vmlinuz-" + RELEASE);

        Ended ended = run("install", "--root", root(), "--enable-dkms", "--kafka", "127.0.0.1:1");

        assertThat(ended.exitCode()).isEqualTo(1);
        assertThat(ended.err()).contains("[ERROR] Expected the DKMS tools on this host");
        assertThat(Files.exists(tree.root().resolve("var/lib/kmodfleet/dkms-enabled")))
                .isFalse();
    }

    @Test
    void a_dry_run_says_what_would_be_done_and_does_nothing() throws Exception {
        tree.debian().image("/boot/vmlinuz-" + RELEASE);

        Ended ended = unchanged(0, "install", "--root", root(), "--dry-run", "--install-dependencies", "--enable-dkms");

        assertThat(ended.out())
                .contains("Would run: apt-get install --yes --no-install-recommends dkms gcc make")
                .contains("Would let modules be built on this host")
                .containsPattern("\\[\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d] \\[INFO] ");
    }

    @Test
    void junk_where_dkms_keeps_its_state_or_says_it_is_told_in_printable_words() throws Exception {
        String dkms = "/var/lib/dkms/";
        byte[] junk = new byte[5_000];
        new java.util.Random(3).nextBytes(junk);
        tree.debian()
                .image("/boot/vmlinuz-" + RELEASE)
                .write(dkms + "\u0001\u001b[2J/1.0/source/dkms.conf", junk)
                .write(dkms + "toy/1.0/source", junk)
                .write(dkms + "toy/1.0/" + RELEASE + "/x86_64/module", junk)
                .write("/junk", junk)
                .program("/bin/cat")
                .program("/bin/dash")
                .link("/bin/sh", "dash")
                .write("/usr/sbin/dkms", "#!/bin/sh\n[ \"$1\" = status ] && exec cat /junk\nexit 1\n");
        Files.setPosixFilePermissions(
                tree.root().resolve("usr/sbin/dkms"), PosixFilePermissions.fromString("rwxr-xr-x"));

        Ended doctor = unchanged(AgentCommand.SOMETHING_LEFT, "doctor", "--root", root());
        Ended status = unchanged(0, "status", "--root", root());

        assertThat(doctor.out()).contains("dkms status says what is not understood");
        assertThat(doctor.out()).contains("toy/1.0, " + RELEASE + ", x86_64: there is no module file");
        for (Ended ended : List.of(doctor, status)) {
            assertThat(ended.out() + ended.err()).matches("[\\p{Print}\n✔✘–…·\u2019]*");
        }
    }

    @Test
    void a_state_that_may_not_be_written_is_said_and_left() throws Exception {
        tree.debian()
                .image("/boot/vmlinuz-" + RELEASE)
                .write("/var/lib/kmodfleet", "a file where a directory should be");

        Ended ended = unchanged(1, "install", "--root", root(), "--kafka", "127.0.0.1:1");

        assertThat(ended.err()).startsWith("[ERROR] Expected ");
    }

    @Test
    void an_unreadable_memory_is_set_aside_by_the_doctor_and_by_nobody_else() throws Exception {
        tree.debian().image("/boot/vmlinuz-" + RELEASE).write("/var/lib/kmodfleet/memory.json", "{junk");

        assertThat(unchanged(0, "status", "--root", root()).out())
                .contains("? safe to reboot: unknown, the agent's memory cannot be read");
        assertThat(unchanged(1, "why", "--root", root()).err())
                .contains("[ERROR] Expected the agent's memory in ")
                .contains("but it cannot be read");
        assertThat(unchanged(AgentCommand.SOMETHING_LEFT, "doctor", "--root", root(), "--fix", "--dry-run")
                        .out())
                .contains("--fix would: rename ");
        Ended fixed = run("doctor", "--root", root(), "--fix");

        assertThat(fixed.out()).contains("memory.json cannot be read").contains("done");
        assertThat(tree.root().resolve("var/lib/kmodfleet/memory.json.unreadable"))
                .hasContent("{junk");
        assertThat(run("status", "--root", root()).exitCode()).isZero();
    }

    @Test
    void the_doctor_deletes_what_dkms_left_half_done_and_nothing_beside_it() throws Exception {
        String dkms = "/var/lib/dkms/toy/1.0";
        tree.debian()
                .image("/boot/vmlinuz-" + RELEASE)
                .write("/usr/src/toy-1.0/dkms.conf", "PACKAGE_NAME=toy\n")
                .link(dkms + "/source", "/usr/src/toy-1.0")
                .write(dkms + "/build/make.log", "cut off")
                .write("/var/lib/kmodfleet/memory.json", "{\"handled\":[],\"decisions\":[],\"installed\":[]}");
        Map<String, String> before = contents();

        assertThat(run("doctor", "--root", root(), "--fix").exitCode()).isZero();

        Map<String, String> after = contents();
        before.keySet().removeIf(path -> path.startsWith("var/lib/dkms/toy/1.0/build"));
        after.keySet().removeIf(path -> path.endsWith("/dkms.lock"));
        assertThat(after).isEqualTo(before);
    }

    @Test
    void a_terminal_that_goes_away_ends_no_installation_and_loses_no_result() throws Exception {
        tree.debian().image("/boot/vmlinuz-" + RELEASE);
        Path kept = tree.root().resolve("var/lib/kmodfleet/visit.log");
        // A terminal of its own, which ends with the program that made it.
        Process terminal = new ProcessBuilder(
                        "script",
                        "--quiet",
                        "--command",
                        PROGRAM + " install --timeout 6 --kafka 127.0.0.1:1 --root " + root(),
                        "/dev/null")
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .redirectErrorStream(true)
                .start();
        until(() -> Files.exists(kept) && Files.readString(kept).contains("Reporting this host"));

        terminal.destroyForcibly().waitFor();

        until(() -> Files.readString(kept).contains("[ERROR] Expected the coordinator to acknowledge the report"));
    }

    @Test
    void an_output_that_nobody_reads_any_more_changes_nothing() throws Exception {
        tree.debian().image("/boot/vmlinuz-" + RELEASE);

        Ended ended = ended(new ProcessBuilder(
                "bash",
                "-c",
                "\"$0\" install --timeout 1 --kafka 127.0.0.1:1 --root \"$1\" | true; exit ${PIPESTATUS[0]}",
                PROGRAM.toString(),
                root()));

        assertThat(ended.exitCode()).isEqualTo(3);
        assertThat(Files.readString(tree.root().resolve("var/lib/kmodfleet/visit.log")))
                .contains("[ERROR] Expected the coordinator to acknowledge the report");
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void until(Condition condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("waited long enough").isLessThan(end);
            Thread.sleep(100);
        }
    }

    @Test
    void what_every_command_prints_as_json_is_what_its_schema_says() throws Exception {
        tree.debian()
                .image("/boot/vmlinuz-" + RELEASE)
                .headers(RELEASE, "/usr/src/linux-headers-" + RELEASE)
                .dpkg("linux-image-" + RELEASE, Instant.parse("2026-11-02T08:00:00Z"))
                .module("af_key", "/lib/modules/" + RELEASE + "/updates/dkms/af_key.ko")
                .link("/vmlinuz", "boot/vmlinuz-" + RELEASE)
                .write("/var/lib/dkms/toy/1.0/source/dkms.conf", "PACKAGE_NAME=toy\n")
                .write("/proc/self/mountinfo", "28 1 253:1 / / rw shared:1 - ext4 /dev/vda1 rw\n");
        AgentMemory memory =
                AgentMemory.open(Files.createDirectories(tree.root().resolve("var/lib/kmodfleet")));
        memory.note(
                new Decision.Keep(
                        Reports.id(),
                        new io.kmodfleet.contracts.Subject(HOST, RELEASE, "af_key"),
                        Reason.UP_TO_DATE,
                        List.of(Fact.of("version", "1"))),
                Instant.now());
        memory.note(
                new Decision.Wait(Reports.id(), Reports.subject(RELEASE), Reason.BUILD_RUNNING, List.of()),
                Instant.now());

        assertValid("status", "status", "--root", root());
        assertValid("why", "why", "--root", root());
        assertValid("preflight", "preflight", "--root", root());
        assertValid("doctor", "doctor", "--root", root());
        assertValid("install --dry-run", "install", "--dry-run", "--install-dependencies", "--root", root());
        assertValid("install", "install", "--timeout", "1", "--kafka", "127.0.0.1:1", "--root", root());
        assertValid("uninstall", "uninstall", "--dry-run", "--root", root());
        assertValid("uninstall", "uninstall", "--yes", "--root", root());

        assertThat(Files.exists(tree.root().resolve("var/lib/kmodfleet"))).isFalse();
    }

    @Test
    void manual_pages_and_completions_come_out_of_the_program_and_their_readers_take_them() throws Exception {
        Path docs = directory.resolve("docs");

        assertThat(run("generate-docs", docs.toString()).exitCode()).isZero();

        try (Stream<Path> pages = Files.list(docs.resolve("man"))) {
            assertThat(pages.map(page -> page.getFileName().toString()))
                    .contains("kmodfleet-agent.1", "kmodfleet-agent-install.1", "kmodfleet-agent-doctor.1")
                    .noneMatch(name -> name.contains("generate-docs"));
        }
        assertThat(Files.readString(docs.resolve("man/kmodfleet-agent-install.1")))
                .contains(".SH NAME", "\\-\\-install\\-dependencies", ".SH EXIT STATUS");
        assertThat(ended(new ProcessBuilder(
                                "bash",
                                "-n",
                                docs.resolve("completion/kmodfleet-agent").toString()))
                        .exitCode())
                .isZero();
        assertThat(run("completion", "fish").out()).contains("-l install-dependencies");
        assertThat(run("completion", "tcsh").exitCode()).isEqualTo(2);
    }

    private void assertValid(String schema, String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of(arguments));
        line.addAll(List.of("-o", "json"));
        Ended ended = run(line.toArray(String[]::new));
        JsonNode printed = FleetJson.mapper().readTree(ended.out());
        Set<ValidationMessage> faults = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(OutputSchema.of(schema))
                .validate(printed);
        assertThat(faults).as(ended.out()).isEmpty();
    }

    private Ended unchanged(int exitCode, String... arguments) throws Exception {
        Map<String, String> before = contents();
        Ended ended = run(arguments);
        assertThat(ended.exitCode()).as(ended.out() + ended.err()).isEqualTo(exitCode);
        assertThat(ended.err()).doesNotContain("\tat ");
        assertThat(contents()).isEqualTo(before);
        return ended;
    }

    /** Every file of the host: kind, mode, size, bytes, time. */
    private Map<String, String> contents() throws Exception {
        Map<String, String> contents = new TreeMap<>();
        List<Path> all;
        try (Stream<Path> files = Files.walk(tree.root())) {
            all = files.toList();
        }
        for (Path file : all) {
            String state =
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS));
            if (Files.isSymbolicLink(file)) {
                state += " -> " + Files.readSymbolicLink(file);
            } else if (Files.isRegularFile(file)) {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                    in.transferTo(java.io.OutputStream.nullOutputStream());
                }
                state += " " + HexFormat.of().formatHex(digest.digest()) + " " + Files.getLastModifiedTime(file);
            }
            contents.put(tree.root().relativize(file).toString(), state);
        }
        return contents;
    }

    private String root() {
        return tree.root().toString();
    }

    private Ended run(String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of(PROGRAM.toString()));
        line.addAll(List.of(arguments));
        return ended(new ProcessBuilder(line));
    }

    private Ended ended(ProcessBuilder builder) throws Exception {
        Path out = Files.createTempFile(directory, "out", "");
        Path err = Files.createTempFile(directory, "err", "");
        builder.environment().remove("NO_COLOR");
        Process process = builder.redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        return new Ended(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }
}
