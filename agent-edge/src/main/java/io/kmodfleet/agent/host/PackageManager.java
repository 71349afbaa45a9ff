package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.OperatingSystem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** The commands that supply what is missing, on each distribution. */
public enum PackageManager {
    APT,
    DNF,
    YUM,
    ZYPPER;

    private static final Map<String, PackageManager> BY_SYSTEM = Map.ofEntries(
            Map.entry("debian", APT),
            Map.entry("ubuntu", APT),
            Map.entry("centos", DNF),
            Map.entry("rhel", DNF),
            Map.entry("rocky", DNF),
            Map.entry("almalinux", DNF),
            Map.entry("fedora", DNF),
            Map.entry("sles", ZYPPER),
            Map.entry("opensuse-leap", ZYPPER),
            Map.entry("suse", ZYPPER));

    /** @param idLike {@code ID_LIKE} of os-release, for systems that we do not know by name */
    static PackageManager of(OperatingSystem os, List<String> idLike) {
        PackageManager found = Stream.concat(Stream.of(os.id()), idLike.stream())
                .map(BY_SYSTEM::get)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(APT);
        return found == DNF && os.versionId().equals("7") ? YUM : found;
    }

    String install(String name) {
        return program() + " install " + name;
    }

    public String program() {
        return switch (this) {
            case APT -> "apt-get";
            case DNF -> "dnf";
            case YUM -> "yum";
            case ZYPPER -> "zypper";
        };
    }

    /** The command that a program runs: it asks nothing. */
    public List<String> installing(List<String> names) {
        List<String> line = new ArrayList<>(
                switch (this) {
                    case APT -> List.of("apt-get", "install", "--yes", "--no-install-recommends");
                    case DNF, YUM -> List.of(program(), "install", "-y");
                    case ZYPPER -> List.of("zypper", "--non-interactive", "install");
                });
        line.addAll(names);
        return line;
    }

    /** The command that takes one away again. */
    public List<String> removing(String name) {
        return switch (this) {
            case APT -> List.of("apt-get", "remove", "--yes", name);
            case DNF, YUM -> List.of(program(), "remove", "-y", name);
            case ZYPPER -> List.of("zypper", "--non-interactive", "remove", name);
        };
    }

    /** The command that reads the lists of what can be had, where there is one of its own. */
    public Optional<List<String>> refreshing() {
        return this == APT ? Optional.of(List.of("apt-get", "update")) : Optional.empty();
    }

    /** The package that brings the sources in which dkms is: the Enterprise Linux family has it in EPEL only. */
    public Optional<String> extraSources(OperatingSystem os) {
        boolean extra = (this == DNF || this == YUM) && !os.id().equals("fedora");
        return extra ? Optional.of("epel-release") : Optional.empty();
    }

    String installDkms(OperatingSystem os) {
        return extraSources(os).map(name -> install(name) + " && ").orElse("") + install("dkms");
    }

    String headersFor(String release) {
        return install(headersPackage(release));
    }

    public String headersPackage(String release) {
        return switch (this) {
            case APT -> "linux-headers-" + release;
            case DNF, YUM -> "kernel-devel-" + release;
            case ZYPPER -> suseHeadersFor(release);
        };
    }

    /** The command that brings a kernel's image. */
    public String imageFor(String release) {
        return switch (this) {
            case APT -> install("linux-image-" + release);
            case DNF, YUM -> install("kernel-core-" + release);
            case ZYPPER -> install(suseHeadersFor(release).replace("-devel", ""));
        };
    }

    /** The command that brings a compiler of that family and major version, as {@code gcc 11}. */
    public String compilerFor(String major) {
        String[] words = major.split(" ");
        boolean named = words.length == 2 && (words[0].equals("gcc") || words[0].equals("clang"));
        return switch (this) {
            case APT, ZYPPER -> install(named ? words[0] + (this == APT ? "-" : "") + words[1] : "gcc");
            case DNF, YUM -> install(named && words[0].equals("gcc") ? "gcc-toolset-" + words[1] : "gcc");
        };
    }

    /** SUSE: {@code 5.14.21-150500.55.19-default} is version and flavour. */
    private static String suseHeadersFor(String release) {
        int dash = release.lastIndexOf('-');
        return dash < 1
                ? "kernel-default-devel"
                : "kernel-" + release.substring(dash + 1) + "-devel=" + release.substring(0, dash);
    }
}
