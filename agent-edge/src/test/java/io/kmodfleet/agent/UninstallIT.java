package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.module.ModuleFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Removal from a real root with real dkms and depmod, by the packaged program. */
class UninstallIT {

    private static final Path PROGRAM =
            Path.of("../deploy/kmodfleet-agent").toAbsolutePath().normalize();
    private static final List<String> WATCHED =
            List.of("etc", "root", "run", "var/lib", "usr/lib/modules", "usr/src/toy-1.0", "usr/src/byhand-1.0");

    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir(cleanup = CleanupMode.NEVER)
    Path directory;

    private HostRoot root;
    private Path state;
    private String release;
    private Map<String, Digest> before;

    @BeforeEach
    void host() throws Exception {
        root = new HostRoot(Copies.of(Needs.hostRoots().resolve("a"), directory.resolve("a")));
        state = root.at("/var/lib/kmodfleet");
        try (Stream<Path> kernels = Files.list(root.at("/lib/modules"))) {
            release = kernels.findFirst().orElseThrow().getFileName().toString();
        }
    }

    @AfterEach
    void end() throws Exception {
        Copies.delete(directory);
    }

    @Test
    void what_the_agent_put_there_goes_and_what_others_put_there_stays() throws Exception {
        byte[] own = moduleNamed("af_key");
        installWithDkms("byhand", moduleNamed("vsock"));
        before = contents();
        installWithDkms("toy", own);
        Files.createDirectories(root.at("/etc/dracut.conf.d"));
        Files.writeString(root.at("/etc/dracut.conf.d/kmodfleet-toy.conf"), "add_drivers+=\" toy \"\n");
        Files.createDirectories(root.at("/run/kmodfleet"));
        AgentMemory.open(Files.createDirectories(state))
                .installed(List.of(
                        new InstallRecord(ModuleFile.read(own).body(), "1.0", target(), Digest.of(new byte[0]))));

        assertThat(run("uninstall", "--yes")).isZero();

        Files.deleteIfExists(root.at("/etc/dracut.conf.d"));
        assertThat(contents()).isEqualTo(before);
    }

    /** As the agent does it where dkms is. The entry is of a real module under another name, for nothing is compiled here. */
    private void installWithDkms(String name, byte[] module) throws Exception {
        Path source = Files.createDirectories(root.at("/usr/src").resolve(name + "-1.0"));
        Files.writeString(source.resolve("dkms.conf"), """
                PACKAGE_NAME="%1$s"
                PACKAGE_VERSION="1.0"
                BUILT_MODULE_NAME[0]="%1$s"
                DEST_MODULE_LOCATION[0]="/updates/dkms"
                """.formatted(name));
        HostPrograms programs = new HostPrograms(root);
        programs.run(LIMIT, List.of("dkms", "add", "-m", name, "-v", "1.0"));
        Path entry = root.at("/var/lib/dkms/" + name + "/1.0/" + release + "/x86_64");
        Files.createDirectories(entry.resolve("log"));
        Files.write(Files.createDirectories(entry.resolve("module")).resolve(name + ".ko"), module);
        assertThat(programs.run(
                                LIMIT,
                                List.of(
                                        "dkms", "install", "--force", "-m", name, "-v", "1.0", "-k", release, "-a",
                                        "x86_64"))
                        .isSuccess())
                .isTrue();
    }

    private BuildTarget target() {
        return new BuildTarget(Digest.of(new byte[] {1}), "x86_64", release, Digest.of(new byte[] {2}));
    }

    private byte[] moduleNamed(String name) throws IOException {
        try (Stream<Path> files = Files.walk(root.at("/lib/modules/" + release + "/kernel"))) {
            return Files.readAllBytes(
                    files.filter(file -> file.getFileName().toString().equals(name + ".ko"))
                            .findFirst()
                            .orElseThrow());
        }
    }

    private Map<String, Digest> contents() throws IOException {
        Map<String, Digest> contents = new TreeMap<>();
        for (String watched : WATCHED) {
            if (Files.notExists(root.directory().resolve(watched))) {
                continue;
            }
            try (Stream<Path> files = Files.walk(root.directory().resolve(watched))) {
                for (Path file : files.toList()) {
                    byte[] bytes = Files.isSymbolicLink(file)
                            ? Files.readSymbolicLink(file).toString().getBytes()
                            : Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                                    ? Files.readAllBytes(file)
                                    : new byte[0];
                    contents.put(root.directory().relativize(file).toString(), Digest.of(bytes));
                }
            }
        }
        return contents;
    }

    private int run(String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of(PROGRAM.toString()));
        line.addAll(List.of(arguments));
        line.addAll(List.of("--root", root.directory().toString()));
        Process process = new ProcessBuilder(line)
                .redirectInput(Path.of("/dev/null").toFile())
                .inheritIO()
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        return process.exitValue();
    }
}
