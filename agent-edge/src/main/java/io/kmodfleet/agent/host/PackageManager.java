package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.OperatingSystem;
import java.util.List;
import java.util.Map;

/** The commands that supply what is missing, on each distribution. */
enum PackageManager {
    APT("apt-get install", "linux-headers-"),
    DNF("dnf install", "kernel-devel-"),
    ZYPPER("zypper install", "kernel-default-devel=");

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

    private final String install;
    private final String headers;

    PackageManager(String install, String headers) {
        this.install = install;
        this.headers = headers;
    }

    /** @param idLike {@code ID_LIKE} of os-release, for systems that we do not know by name */
    static PackageManager of(OperatingSystem os, List<String> idLike) {
        return java.util.stream.Stream.concat(java.util.stream.Stream.of(os.id()), idLike.stream())
                .map(BY_SYSTEM::get)
                .filter(java.util.Objects::nonNull)
                .findFirst()
                .orElse(APT);
    }

    String install(String name) {
        return install + " " + name;
    }

    String headersFor(String release) {
        return install + " " + headers + release;
    }
}
