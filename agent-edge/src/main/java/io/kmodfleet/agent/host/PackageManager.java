package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.OperatingSystem;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The commands that supply what is missing, on each distribution. */
enum PackageManager {
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
        return switch (this) {
            case APT -> "apt-get install " + name;
            case DNF -> "dnf install " + name;
            case YUM -> "yum install " + name;
            case ZYPPER -> "zypper install " + name;
        };
    }

    /** The Enterprise Linux family has dkms in EPEL only. */
    String installDkms(OperatingSystem os) {
        boolean extra = (this == DNF || this == YUM) && !os.id().equals("fedora");
        return extra ? install("epel-release") + " && " + install("dkms") : install("dkms");
    }

    String headersFor(String release) {
        return switch (this) {
            case APT -> install("linux-headers-" + release);
            case DNF, YUM -> install("kernel-devel-" + release);
            case ZYPPER -> install(suseHeadersFor(release));
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
