package io.kmodfleet.cli.exchange;

import io.kmodfleet.contracts.BuildTarget;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where the product guide's server keeps packages (6.5): {@code dkms/<system>/<major>/<module>-<release>-<version>.tar.gz}. Which
 * system a kernel belongs to is read from what its builder wrote into it.
 */
public final class GuideLayout {

    private static final Pattern UBUNTU_BACKPORT = Pattern.compile("~(\\d\\d)\\.04\\.");
    private static final Pattern ENTERPRISE = Pattern.compile("\\.el(\\d+)");
    private static final Pattern DEBIAN = Pattern.compile("\\bDebian (\\d+)\\.(\\d+)\\.");

    private GuideLayout() {}

    /**
     * As {@code ubuntu/22}; absent where the kernel does not tell.
     *
     * @param kernelVersion {@code uname -v}
     */
    public static Optional<String> systemOf(BuildTarget target, Optional<String> kernelVersion) {
        Matcher enterprise = ENTERPRISE.matcher(target.release());
        if (enterprise.find()) {
            return Optional.of("centos/" + enterprise.group(1));
        }
        String version = kernelVersion.orElse("");
        Matcher backport = UBUNTU_BACKPORT.matcher(version);
        if (version.contains("Ubuntu")) {
            return backport.find() ? Optional.of("ubuntu/" + backport.group(1)) : ubuntuOf(target.release());
        }
        Matcher debian = DEBIAN.matcher(version);
        return debian.find() ? debianOf(debian.group(1) + "." + debian.group(2)) : Optional.empty();
    }

    /** The release whose own kernel it is, not one that was brought back to an older release. */
    private static Optional<String> ubuntuOf(String release) {
        return switch (seriesOf(release)) {
            case "5.4" -> Optional.of("ubuntu/20");
            case "5.15" -> Optional.of("ubuntu/22");
            case "6.8" -> Optional.of("ubuntu/24");
            default -> Optional.empty();
        };
    }

    private static Optional<String> debianOf(String series) {
        return switch (series) {
            case "5.10" -> Optional.of("debian/11");
            case "6.1" -> Optional.of("debian/12");
            case "6.12" -> Optional.of("debian/13");
            default -> Optional.empty();
        };
    }

    private static String seriesOf(String release) {
        String[] numbers = release.split("[.-]", 3);
        return numbers.length < 2 ? release : numbers[0] + "." + numbers[1];
    }
}
