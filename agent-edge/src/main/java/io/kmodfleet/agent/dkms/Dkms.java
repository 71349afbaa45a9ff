package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Conditions;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The dkms of one host. It has no lock of its own, so every use of it here holds the host's lock. */
public final class Dkms {

    private static final Duration QUESTION = Duration.ofSeconds(20);
    private static final Pattern LOCATION = Pattern.compile("(?m)^\\s*DEST_MODULE_LOCATION\\[0]=\"?(/[\\w./-]+)\"?");

    /**
     * What stands at the end of the {@code dkms.conf} of a module that Kmodfleet looks after. dkms's autoinstall, which package
     * managers run for every new kernel, fails with a module that does not build, and leaves the kernel's package half-configured.
     * Overrides in {@code /etc/dkms} would not do: before 3.1.8 autoinstall reads them under an empty name.
     */
    private static final String NOT_AUTOMATIC = """

            # Kmodfleet looks after this module: 'dkms autoinstall' leaves it alone. By hand dkms works as ever.
            AUTOINSTALL=""
            """;

    private final HostRoot root;
    private final HostPrograms programs;
    private final Path lockFile;

    public Dkms(HostRoot root, HostPrograms programs, Path state) {
        this.root = root;
        this.programs = programs;
        this.lockFile = state.resolve("dkms.lock");
    }

    public boolean isThere() {
        return root.program("dkms").isPresent();
    }

    /** Work that no other agent process on this host interrupts. */
    public interface Locked<T> {
        T run() throws IOException, InterruptedException;
    }

    public <T> T locked(Locked<T> work) throws IOException, InterruptedException {
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            return work.run();
        }
    }

    /** First line of what the first of these programs that is there says of its version. */
    String versionOf(String... names) throws IOException, InterruptedException {
        for (String name : names) {
            if (root.program(name).isPresent()) {
                return programs.run(QUESTION, List.of(name, "--version"))
                        .output()
                        .lines()
                        .findFirst()
                        .orElse("unknown")
                        .replaceAll("\\p{Cntrl}", "?");
            }
        }
        return "unknown";
    }

    /** Makes a source known to dkms in a scratch tree. */
    Outcome addIn(ScratchTree scratch, SourcePackage source, Conditions conditions, Path log)
            throws IOException, InterruptedException {
        return programs.run(conditions, log, in(scratch, "add", source));
    }

    /** Has dkms build in a scratch tree: the host's own entries are neither read nor changed. */
    Outcome buildIn(
            ScratchTree scratch, SourcePackage source, String release, String arch, Conditions conditions, Path log)
            throws IOException, InterruptedException {
        List<String> line = in(scratch, "build", source);
        line.addAll(List.of("-k", release, "-a", arch));
        return programs.run(conditions, log, line);
    }

    private static List<String> in(ScratchTree scratch, String action, SourcePackage source) {
        return new ArrayList<>(List.of(
                "dkms",
                action,
                "--dkmstree",
                ScratchTree.DKMS,
                "--sourcetree",
                ScratchTree.SOURCES,
                "-m",
                source.conf().name(),
                "-v",
                source.conf().version()));
    }

    /** Whether dkms finds a key here to sign with, in the places that it looks at. */
    boolean hasSigningKey() {
        return Stream.of("/var/lib/dkms/mok.key", "/var/lib/shim-signed/mok/MOK.priv")
                        .anyMatch(key -> Files.exists(root.at(key)))
                || frameworkConfs().anyMatch(Dkms::namesKey);
    }

    private Stream<Path> frameworkConfs() {
        List<Path> confs = new ArrayList<>(List.of(root.at("/etc/dkms/framework.conf")));
        try (Stream<Path> files = Files.list(root.at("/etc/dkms/framework.conf.d"))) {
            files.forEach(confs::add);
        } catch (IOException e) {
            // Older releases have no such directory.
        }
        return confs.stream();
    }

    private static boolean namesKey(Path conf) {
        try {
            return Files.readAllLines(conf, StandardCharsets.ISO_8859_1).stream()
                    .anyMatch(line -> line.matches("\\s*mok_signing_key\\s*=.+"));
        } catch (IOException e) {
            return false;
        }
    }

    /** The files of a source as they are put below {@code /usr/src}: dkms builds them by hand, and not by itself. */
    public static List<SourceFile> filesToEnter(SourcePackage source) {
        return source.files().stream()
                .map(file -> file.path().equals("dkms.conf")
                        ? new SourceFile(file.path(), joined(file.bytes(), NOT_AUTOMATIC), file.program())
                        : file)
                .toList();
    }

    /** The {@code dkms.conf} of each module that dkms's autoinstall was told to leave alone. */
    public List<Path> heldBack() throws IOException {
        List<Path> held = new ArrayList<>();
        Path sources = root.at("/usr/src");
        if (Files.isDirectory(sources)) {
            try (Stream<Path> trees = Files.list(sources)) {
                for (Path tree : trees.sorted().toList()) {
                    Path conf = tree.resolve("dkms.conf");
                    if (Files.isRegularFile(conf) && lengthBefore(Files.readAllBytes(conf)) >= 0) {
                        held.add(conf);
                    }
                }
            }
        }
        return held;
    }

    /** Gives them back to dkms's autoinstall, each as its source says; for uninstalling the agent. */
    public void giveBack() throws IOException {
        for (Path conf : heldBack()) {
            byte[] bytes = Files.readAllBytes(conf);
            Durable.write(conf, Arrays.copyOf(bytes, lengthBefore(bytes)), false);
        }
    }

    /** Of what stands before our words at the end; negative where they do not stand there. */
    private static int lengthBefore(byte[] conf) {
        byte[] ours = NOT_AUTOMATIC.getBytes(StandardCharsets.UTF_8);
        int end = conf.length - ours.length;
        return end >= 0 && Arrays.equals(conf, end, conf.length, ours, 0, ours.length) ? end : -1;
    }

    private static byte[] joined(byte[] conf, String added) {
        byte[] more = added.getBytes(StandardCharsets.UTF_8);
        byte[] both = Arrays.copyOf(conf, conf.length + more.length);
        System.arraycopy(more, 0, both, conf.length, more.length);
        return both;
    }

    /** Whether exactly these files stand there. */
    public boolean holds(String place, List<SourceFile> source) throws IOException {
        Path directory = root.at(place);
        if (!Files.isDirectory(directory)) {
            return false;
        }
        for (SourceFile file : source) {
            Path at = directory.resolve(file.path());
            boolean same = Files.isRegularFile(at, LinkOption.NOFOLLOW_LINKS)
                    && Files.isExecutable(at) == file.program()
                    && Arrays.equals(Files.readAllBytes(at), file.bytes());
            if (!same) {
                return false;
            }
        }
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                            .count()
                    == source.size();
        }
    }

    /** The versions of a module that dkms knows a source of. */
    public List<String> versionsOf(String module) throws IOException {
        Path tree = root.at(DkmsPlaces.TREE + "/" + module);
        if (!Files.isDirectory(tree)) {
            return List.of();
        }
        try (Stream<Path> versions = Files.list(tree)) {
            return versions.filter(version -> Files.exists(version.resolve("source"), LinkOption.NOFOLLOW_LINKS))
                    .map(version -> version.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    static List<Path> moduleFilesIn(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> !file.getFileName().toString().startsWith("."))
                    .filter(file -> file.getFileName().toString().contains(".ko"))
                    .sorted()
                    .toList();
        }
    }

    /**
     * Where below {@code /lib/modules/K} dkms puts and looks for modules on this system (its {@code override_dest_module_location}).
     *
     * @param conf of the module's source, for systems that dkms does not know
     */
    public String location(byte[] conf) {
        String system = distribution();
        if (Stream.of("fedora", "rhel", "ovm").anyMatch(system::startsWith)) {
            return "/extra";
        }
        if (Stream.of("sles", "suse", "opensuse").anyMatch(system::startsWith)) {
            return "/updates";
        }
        if (Stream.of("debian", "ubuntu", "arch").anyMatch(system::startsWith)) {
            return "/updates/dkms";
        }
        Matcher matcher = LOCATION.matcher(new String(conf, StandardCharsets.UTF_8));
        String location = matcher.find() ? matcher.group(1) : "/updates";
        boolean plain = !location.contains("..") && (location.startsWith("/updates") || location.startsWith("/extra"));
        return plain ? location.replaceAll("/+$", "") : "/updates";
    }

    /** As dkms asks os-release: Ubuntu for itself, all others by what they are like. */
    private String distribution() {
        Map<String, String> values = new HashMap<>();
        try {
            for (String line : Files.readAllLines(root.at("/etc/os-release"))) {
                int equals = line.indexOf('=');
                if (equals > 0) {
                    values.put(
                            line.substring(0, equals),
                            line.substring(equals + 1).strip().replaceAll("^[\"']|[\"']$", ""));
                }
            }
        } catch (IOException e) {
            return "";
        }
        String id = values.getOrDefault("ID", "");
        return (id.equals("ubuntu") ? id : values.getOrDefault("ID_LIKE", id)).toLowerCase(Locale.ROOT);
    }
}
