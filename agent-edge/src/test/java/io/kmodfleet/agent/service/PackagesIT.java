package io.kmodfleet.agent.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.kmodfleet.agent.Copies;
import io.kmodfleet.agent.Needs;
import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packages that deploy/package makes, with real dpkg, rpm and tar in copies of a real Debian. */
class PackagesIT {

    private static final Path HOME = Path.of("").toAbsolutePath().getParent();
    private static final long MOST_RUNTIME = 45_000_000;

    /** What package managers note about every package they ever had, and no agent leaves. */
    private static final List<String> NOTES_OF_PACKAGE_MANAGERS = List.of(
            "var/lib/dpkg/status",
            "var/lib/dpkg/status-old",
            "var/lib/dpkg/triggers",
            "var/log/dpkg.log",
            "var/lib/rpm",
            "root/.rpmdb");

    @TempDir
    static Path made;

    private static HttpServer server;
    private static final AtomicInteger ASKED = new AtomicInteger();

    private Path root;

    private record Outcome(int exitCode, String output) {}

    @BeforeAll
    static void makePackages() throws Exception {
        Needs.hostRoots();
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            ASKED.incrementAndGet();
            Path file = made.resolve(exchange.getRequestURI().getPath().substring(1));
            try (exchange) {
                if (Files.isRegularFile(file)) {
                    exchange.sendResponseHeaders(200, Files.size(file));
                    Files.copy(file, exchange.getResponseBody());
                } else {
                    exchange.sendResponseHeaders(404, -1);
                }
            }
        });
        server.start();
        String url = "http://127.0.0.1:" + server.getAddress().getPort();
        Outcome outcome = run(
                HOME.resolve("deploy/package").toString(),
                "--as-built",
                "--format",
                "all",
                "--out",
                made.toString(),
                "--url",
                url,
                "--kafka",
                "127.0.0.1:1",
                "--store",
                "http://127.0.0.1:1");
        assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.stop(0);
        }
    }

    @BeforeEach
    void copy() throws Exception {
        root = Copies.of(
                Needs.hostRoots().resolve("b"),
                Files.createTempDirectory("kmodfleet-packages").resolve("root"));
    }

    @AfterEach
    void delete() throws Exception {
        Copies.delete(root.getParent());
    }

    @Test
    void a_deb_that_is_purged_leaves_the_host_as_it_was() throws Exception {
        SortedMap<String, String> before = contentOf(root);
        Files.copy(made("deb"), root.resolve("agent.deb"));

        assertThat(inRoot("dpkg", "-i", "/agent.deb").exitCode()).isZero();
        Outcome version = inRoot("kmodfleet-agent", "--version");
        assertThat(version.output()).contains("kmodfleet-agent ");
        use();
        Outcome purged = inRoot("dpkg", "--purge", "kmodfleet-agent");

        assertThat(purged.exitCode()).as(purged.output()).isZero();
        Files.delete(root.resolve("agent.deb"));
        assertThat(changes(before)).isEmpty();
    }

    @Test
    void a_deb_that_is_removed_and_upgraded_keeps_settings_and_state() throws Exception {
        Files.copy(made("deb"), root.resolve("agent.deb"));
        inRoot("dpkg", "-i", "/agent.deb");
        use();

        Outcome again = inRoot("dpkg", "-i", "/agent.deb");
        Outcome removed = inRoot("dpkg", "--remove", "kmodfleet-agent");

        assertThat(again.exitCode()).as(again.output()).isZero();
        assertThat(removed.exitCode()).as(removed.output()).isZero();
        assertThat(root.resolve("usr/lib/kmodfleet-agent")).doesNotExist();
        assertThat(root.resolve("etc/kmodfleet/agent.conf")).content().contains("KMODFLEET_LABELS=role=test");
        assertThat(root.resolve("var/lib/kmodfleet/journal")).exists();
    }

    @Test
    void an_rpm_that_is_erased_leaves_the_host_as_it_was() throws Exception {
        SortedMap<String, String> before = contentOf(root);

        // The copy is a Debian's: no package there provides what another system's packages would.
        Outcome installed = aroundRoot(
                "rpm", "--root", root.toString(), "--nodeps", "-i", made("rpm").toString());
        assertThat(installed.exitCode()).as(installed.output()).isZero();
        use();
        Outcome erased = aroundRoot("rpm", "--root", root.toString(), "-e", "kmodfleet-agent");

        assertThat(erased.exitCode()).as(erased.output()).isZero();
        Files.deleteIfExists(root.resolve("etc/kmodfleet/agent.conf.rpmsave"));
        Files.deleteIfExists(root.resolve("etc/kmodfleet"));
        assertThat(changes(before)).isEmpty();
    }

    @Test
    void a_tarball_that_is_taken_away_leaves_the_host_as_it_was() throws Exception {
        SortedMap<String, String> before = contentOf(root);
        Path unpacked = Files.createDirectory(root.resolve("unpacked"));
        assertThat(run("tar", "-xzf", made("tar.gz").toString(), "-C", unpacked.toString(), "--strip-components=1")
                        .exitCode())
                .isZero();

        Outcome installed = inRoot("/unpacked/install");
        assertThat(installed.exitCode()).as(installed.output()).isZero();
        use();
        Outcome again = inRoot("/unpacked/install");
        assertThat(again.exitCode()).as(again.output()).isZero();
        assertThat(root.resolve("etc/kmodfleet/agent.conf")).content().contains("KMODFLEET_LABELS=role=test");
        Outcome gone = inRoot("/usr/lib/kmodfleet-agent/uninstall");

        assertThat(gone.exitCode()).as(gone.output()).isZero();
        Copies.delete(unpacked);
        assertThat(changes(before)).isEmpty();
    }

    @Test
    void the_same_sources_give_the_same_files_but_archives_of_classes_and_a_small_runtime() throws Exception {
        Path again = Files.createDirectory(made.resolve("again"));
        Outcome outcome = run(
                HOME.resolve("deploy/package").toString(), "--as-built", "--format", "tar", "--out", again.toString());
        assertThat(outcome.exitCode()).as(outcome.output()).isZero();

        Path first = made("tar.gz");
        SortedMap<String, String> later = unpacked(again.resolve(first.getFileName()));
        assertThat(later).isEqualTo(unpacked(first)).hasSizeGreaterThan(100);
        try (Stream<Path> files =
                Files.walk(HOME.resolve("target/package-work/root/usr/lib/kmodfleet-agent/runtime"))) {
            assertThat(files.filter(Files::isRegularFile)
                            .mapToLong(file -> file.toFile().length())
                            .sum())
                    .isLessThanOrEqualTo(MOST_RUNTIME);
        }
    }

    /** What is in a tarball. What the JDK writes of loaded classes is not the same every time. */
    private static SortedMap<String, String> unpacked(Path tarball) throws Exception {
        Path into = Files.createTempDirectory(made, "unpacked");
        assertThat(run("tar", "-xzf", tarball.toString(), "-C", into.toString()).exitCode())
                .isZero();
        SortedMap<String, String> files = contentOf(into);
        files.keySet().removeIf(name -> name.endsWith(".jsa"));
        Copies.delete(into);
        return files;
    }

    @Test
    void the_install_script_cut_off_at_any_byte_does_nothing() throws Exception {
        giveCurl();
        byte[] script = Files.readAllBytes(made.resolve("install.sh"));
        Files.write(root.resolve("install.sh"), script);
        SortedMap<String, String> before = contentOf(root);
        int asked = ASKED.get();

        Outcome cut = inRoot(
                "bash",
                "-c",
                "n=0; while [ $n -lt " + script.length + " ]; do head -c $n /install.sh | bash -s -- --enable-dkms"
                        + " >/dev/null 2>&1; n=$((n + 1)); done; echo all");

        assertThat(cut.output()).endsWith("all\n");
        assertThat(ASKED.get()).isEqualTo(asked);
        assertThat(changes(before)).isEmpty();
    }

    @Test
    void a_package_that_was_swapped_is_refused_and_nothing_changes() throws Exception {
        giveCurl();
        Path deb = made("deb");
        byte[] whole = Files.readAllBytes(deb);
        byte[] swapped = whole.clone();
        swapped[swapped.length / 2] ^= 1;
        SortedMap<String, String> before = contentOf(root);
        try {
            Files.write(deb, swapped);

            Outcome refused = script();

            assertThat(refused.exitCode()).isEqualTo(1);
            assertThat(refused.output()).contains("[ERROR] Expected SHA-256 ").contains("nothing was changed");
            assertThat(changes(before)).isEmpty();
        } finally {
            Files.write(deb, whole);
        }
    }

    @Test
    void enable_dkms_without_dkms_is_an_error_before_anything_is_fetched() throws Exception {
        giveCurl();
        SortedMap<String, String> before = contentOf(root);
        int asked = ASKED.get();

        Outcome refused = script("--enable-dkms");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.output()).contains("[ERROR] ").contains("dkms is not installed");
        assertThat(ASKED.get()).isEqualTo(asked);
        assertThat(changes(before)).isEmpty();
    }

    @Test
    void the_install_script_installs_the_package_and_hands_over_to_the_agent() throws Exception {
        giveCurl();

        Outcome outcome = script("--timeout", "3");

        // No fleet is there: the agent says so, with its own exit code, and stays installed.
        assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(3);
        assertThat(outcome.output())
                .containsPattern(
                        "\\[\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\] ✔ \\[SUCCESS\\] Installed kmodfleet-agent ")
                .contains("[ERROR] Expected the coordinator to acknowledge");
        assertThat(root.resolve("etc/kmodfleet/agent.conf"))
                .content()
                .contains("KMODFLEET_KAFKA=127.0.0.1:1\n")
                .contains("KMODFLEET_STORE=http://127.0.0.1:1\n");
        assertThat(inRoot("dpkg", "--purge", "kmodfleet-agent").exitCode()).isZero();
        assertThat(root.resolve("etc/kmodfleet")).doesNotExist();
    }

    /** As an admin and a fleet would: settings are changed, and state comes to lie there. */
    private void use() throws Exception {
        Files.writeString(
                root.resolve("etc/kmodfleet/agent.conf"),
                "KMODFLEET_LABELS=role=test\nKMODFLEET_KAFKA=127.0.0.1:1\n",
                java.nio.file.StandardOpenOption.APPEND);
        Outcome visit = inRoot("kmodfleet-agent", "install", "--timeout", "2");
        assertThat(visit.exitCode()).as(visit.output()).isEqualTo(3);
        assertThat(root.resolve("var/lib/kmodfleet/journal")).exists();
    }

    private Outcome script(String... arguments) throws Exception {
        Files.copy(made.resolve("install.sh"), root.resolve("install.sh"));
        try {
            List<String> line = new ArrayList<>(List.of("bash", "-c", "bash -s -- \"$@\" </install.sh", "bash"));
            line.addAll(List.of(arguments));
            return inRoot(line.toArray(String[]::new));
        } finally {
            Files.delete(root.resolve("install.sh"));
        }
    }

    /** The copy has no program that fetches; it gets this machine's, with its libraries. */
    private void giveCurl() throws Exception {
        Outcome given = run(
                "bash",
                "-c",
                "cp --parents -L $(ldd /usr/bin/curl | grep -o '/[^ ]*') /usr/bin/curl \"$0\" 2>/dev/null; test -x \"$0/usr/bin/curl\"",
                root.toString());
        assertThat(given.exitCode()).as(given.output()).isZero();
    }

    private static Path made(String suffix) throws IOException {
        try (Stream<Path> files = Files.list(made)) {
            return files.filter(file -> file.toString().endsWith("." + suffix))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private Outcome inRoot(String... line) throws Exception {
        List<String> all = new ArrayList<>(List.of("chroot", root.toString()));
        all.addAll(List.of(line));
        return aroundRoot(all.toArray(String[]::new));
    }

    /** With the copy's own /proc, without which no Java finds its libraries. */
    private Outcome aroundRoot(String... line) throws Exception {
        List<String> all = new ArrayList<>(List.of(
                "unshare", "--mount", "sh", "-c", "mount -t proc proc \"$0/proc\" && exec \"$@\"", root.toString()));
        all.addAll(List.of(line));
        return run(all.toArray(String[]::new));
    }

    private static Outcome run(String... line) throws Exception {
        Path output = Files.createTempFile("kmodfleet-", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(line)
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(output.toFile());
            builder.environment().put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
            builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
            Process process = builder.start();
            if (!process.waitFor(20, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IOException("Expected this to end: " + String.join(" ", line));
            }
            return new Outcome(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } finally {
            Files.delete(output);
        }
    }

    /** What is not as it was, a line each. */
    private List<String> changes(SortedMap<String, String> before) throws IOException {
        SortedMap<String, String> after = contentOf(root);
        SortedSet<String> all = new TreeSet<>(before.keySet());
        all.addAll(after.keySet());
        return all.stream()
                .filter(name -> !Objects.equals(before.get(name), after.get(name)))
                .map(name -> name + ": " + before.get(name) + " => " + after.get(name))
                .toList();
    }

    /** Each file with its mode, owner and digest or target. */
    private static SortedMap<String, String> contentOf(Path root) throws IOException {
        SortedMap<String, String> content = new TreeMap<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                if (isNote(directory)) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                content.put(root.relativize(directory) + "/", modeOf(directory));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!isNote(file)) {
                    content.put(root.relativize(file).toString(), whatIs(file, attributes));
                }
                return FileVisitResult.CONTINUE;
            }

            private boolean isNote(Path file) {
                return NOTES_OF_PACKAGE_MANAGERS.contains(root.relativize(file).toString());
            }
        });
        return content;
    }

    private static String whatIs(Path file, BasicFileAttributes attributes) throws IOException {
        if (attributes.isSymbolicLink()) {
            return "-> " + Files.readSymbolicLink(file);
        }
        return modeOf(file) + (attributes.isRegularFile() ? " " + Digest.of(Files.readAllBytes(file)) : "");
    }

    private static String modeOf(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file)) + " "
                + Files.getAttribute(file, "unix:uid");
    }
}
