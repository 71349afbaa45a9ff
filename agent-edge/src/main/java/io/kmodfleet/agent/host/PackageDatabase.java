package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When the packages of a kernel were installed, by the databases of dpkg and rpm. File times are no answer: those in a package are
 * its maker's.
 */
final class PackageDatabase {

    private static final String DPKG = "/var/lib/dpkg/info";
    private static final List<String> RPM = List.of("/var/lib/rpm", "/usr/lib/sysimage/rpm");
    private static final List<String> RPM_FILES =
            List.of("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages", "Packages.db", "Index.db");

    /** {@code NAME TAB VERSION-RELEASE TAB ARCH TAB seconds}. */
    private static final String FORM = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\n";

    private static final Pattern LINE = Pattern.compile("([^\\t]+)\\t([^\\t]+)\\t([^\\t]+)\\t(\\d{1,12})");
    private static final Pattern HEADERS = Pattern.compile("linux-headers-.*|kernel(-.+)?-devel");

    private static final Pattern FLAVOURS = Pattern.compile("kernel-(rt|64k|debug|zfcpdump)(-.*)?");

    /** Parts of a kernel that are neither its image nor its headers. */
    private static final Pattern OTHER = Pattern.compile(
            ".*(-headers|-doc|-devel-matched|-tools|-tools-libs|-modules|-modules-.+|-debuginfo.*|-abi.*|-macros|-srpm.*)");

    private final HostRoot root;
    private final RootQuestions questions;
    private final ReadOnce<List<Listed>> rpms = new ReadOnce<>();
    private final ReadOnce<Map<String, Instant>> debs = new ReadOnce<>();

    /** One that rpm lists. */
    private record Listed(String name, String version, String arch, Instant at) {

        /** Whether it belongs to that kernel: {@code uname -r} is version and architecture, on SUSE version and flavour. */
        boolean isOf(String release) {
            String own = version + "." + arch;
            if (release.startsWith(own)) {
                String flavour = release.substring(own.length());
                return flavour.startsWith("+")
                        ? name.startsWith("kernel-" + flavour.substring(1))
                        : flavour.isEmpty() && !FLAVOURS.matcher(name).matches();
            }
            int dash = release.lastIndexOf('-');
            // A rebuild adds a number to the package's release and not to the kernel's.
            return dash > 0
                    && name.startsWith("kernel-" + release.substring(dash + 1))
                    && (version + ".").startsWith(release.substring(0, dash) + ".");
        }
    }

    PackageDatabase(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** The packages of one kernel that had been installed, its image before its headers. */
    List<KernelPackage> of(String release) {
        List<KernelPackage> found = new ArrayList<>();
        for (String name : List.of(
                "linux-image-" + release,
                "linux-image-unsigned-" + release,
                "linux-modules-" + release,
                "linux-headers-" + release)) {
            dpkgTime(name).ifPresent(at -> found.add(new KernelPackage(name, at, kindOf(name))));
        }
        for (Listed listed : rpms()) {
            if (listed.isOf(release)) {
                found.add(new KernelPackage(
                        listed.name() + "-" + listed.version() + "." + listed.arch(),
                        listed.at(),
                        kindOf(listed.name())));
            }
        }
        found.sort(java.util.Comparator.comparing(KernelPackage::kind).thenComparing(KernelPackage::name));
        return found;
    }

    static KernelPackage.Kind kindOf(String name) {
        if (HEADERS.matcher(name).matches()) {
            return KernelPackage.Kind.HEADERS;
        }
        return name.startsWith("linux-modules-") || OTHER.matcher(name).matches() || name.equals("kernel")
                ? KernelPackage.Kind.OTHER
                : KernelPackage.Kind.IMAGE;
    }

    void forgetVanished() {
        rpms.forgetVanished();
    }

    /** dpkg writes the list of a package's files when it unpacks it. */
    private Optional<Instant> dpkgTime(String name) {
        try {
            return Optional.ofNullable(
                    debs.get(root.at(DPKG), PackageDatabase::listsIn).get(name));
        } catch (IOException e) {
            // No dpkg here.
            return Optional.empty();
        }
    }

    /** By package, without the architecture that a name may have; a new list changes the directory. */
    private static Map<String, Instant> listsIn(Path directory) throws IOException {
        Map<String, Instant> times = new HashMap<>();
        try (DirectoryStream<Path> lists = Files.newDirectoryStream(directory, "linux-*.list")) {
            for (Path list : lists) {
                String name = list.getFileName().toString();
                int colon = name.indexOf(':');
                String plain = name.substring(0, colon < 0 ? name.length() - ".list".length() : colon);
                timeOf(list).ifPresent(at -> times.put(plain, at));
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return Map.copyOf(times);
    }

    private static Optional<Instant> timeOf(Path file) {
        try {
            return Optional.of(Files.getLastModifiedTime(file).toInstant());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private List<Listed> rpms() {
        try {
            Optional<Path> database = newestOfRpm();
            return database.isEmpty() ? List.of() : rpms.get(database.get(), file -> askRpm());
        } catch (IOException e) {
            return List.of();
        }
    }

    private List<Listed> askRpm() throws IOException {
        List<Listed> listed = new ArrayList<>();
        questions
                .ask("rpm", "-qa", "--qf", FORM, "kernel*")
                .orElse("")
                .lines()
                .map(LINE::matcher)
                .filter(Matcher::matches)
                .forEach(line -> listed.add(new Listed(
                        line.group(1),
                        line.group(2),
                        line.group(3),
                        Instant.ofEpochSecond(Long.parseLong(line.group(4))))));
        return listed;
    }

    /** What changes when the database does: with a write-ahead log, that is not the database's own file. */
    private Optional<Path> newestOfRpm() throws IOException {
        Optional<Path> newest = Optional.empty();
        for (String directory : RPM) {
            for (String name : RPM_FILES) {
                Path file = root.at(directory + "/" + name);
                if (Files.isRegularFile(file)
                        && (newest.isEmpty()
                                || Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(newest.get()))
                                        > 0)) {
                    newest = Optional.of(file);
                }
            }
        }
        return newest;
    }
}
