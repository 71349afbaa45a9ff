package io.kmodfleet.deploy.demo;

import io.kmodfleet.deploy.standalone.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Roots of hosts, made once by {@code deploy/host-roots} and copied for every use by hard links. */
public final class HostRoots {

    private final Path made;
    private final Map<String, String> chosen;

    private HostRoots(Path made, Map<String, String> chosen) {
        this.made = made;
        this.chosen = chosen;
    }

    /** Where they are kept from one run to the next; {@code KMODFLEET_ROOTS} names another place. */
    public static Path place() {
        String named = System.getenv("KMODFLEET_ROOTS");
        return named != null && !named.isBlank()
                ? Path.of(named)
                : Path.of(System.getProperty("user.home"), ".cache", "kmodfleet", "host-roots");
    }

    /** What this machine lacks to make them, in a sentence. */
    public static Optional<String> missing() {
        if (!System.getProperty("user.name").equals("root")) {
            return Optional.of("Host roots are made and used as root. Run it with sudo.");
        }
        for (String tool : List.of("mmdebstrap", "apt-get", "dpkg-deb", "unshare")) {
            if (Files.notExists(Path.of("/usr/bin", tool))) {
                return Optional.of(
                        "Host roots need " + tool + " (Debian or Ubuntu). Run: apt-get install mmdebstrap util-linux");
            }
        }
        return Optional.empty();
    }

    public static HostRoots make(Path home, Progress progress) throws IOException, InterruptedException {
        Path place = place();
        Files.createDirectories(place.getParent());
        Process process = new ProcessBuilder(home.resolve("deploy/host-roots").toString(), place.toString())
                .redirectErrorStream(true)
                .start();
        StringBuilder output = new StringBuilder();
        try (var lines = process.inputReader()) {
            lines.lines().forEach(line -> {
                output.append(line).append('\n');
                progress.say(line);
            });
        }
        if (process.waitFor() != 0) {
            throw new IOException("Expected deploy/host-roots to make host roots, but it failed:\n" + output);
        }
        Map<String, String> chosen = new HashMap<>();
        for (String line : Files.readAllLines(place.resolve("roots.env"))) {
            int equals = line.indexOf('=');
            chosen.put(line.substring(0, equals), line.substring(equals + 1));
        }
        return new HostRoots(place, chosen);
    }

    /** Release of the kernel of roots a, b and d. */
    public String kernel() {
        return chosen.get("KERNEL");
    }

    public String module() {
        return chosen.get("MODULE");
    }

    public String moduleVersion() {
        return chosen.get("MODULE_VERSION");
    }

    /** The tree of the module's source. */
    public Path source() {
        return made.resolve(chosen.get("SOURCE"));
    }

    /** A copy that may be changed, as a host of its own with that name. */
    public Path copy(String root, Path to) throws IOException, InterruptedException {
        Files.createDirectories(to.getParent());
        run("cp", "-al", made.resolve(root).toString(), to.toString());
        Files.delete(to.resolve("etc/machine-id"));
        Files.delete(to.resolve("etc/hostname"));
        byte[] id = new byte[16];
        new java.security.SecureRandom().nextBytes(id);
        Files.writeString(to.resolve("etc/machine-id"), java.util.HexFormat.of().formatHex(id) + "\n");
        Files.writeString(to.resolve("etc/hostname"), to.getFileName() + "\n");
        return to;
    }

    /** A new directory for copies, where hard links to the originals are possible. */
    public Path workplace() throws IOException {
        return Files.createTempDirectory(made, "run-");
    }

    public static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IOException("Expected " + String.join(" ", command) + " to succeed, but: " + output);
        }
    }
}
