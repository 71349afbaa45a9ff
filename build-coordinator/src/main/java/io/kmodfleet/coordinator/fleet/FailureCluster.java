package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The same error, wherever it came from.
 *
 * @param kind what failed: {@code BUILD}, {@code NOT_APPLICABLE}, {@code INFRASTRUCTURE}, {@code INSTALL} or {@code LOAD}
 * @param error without what differs from host to host: paths, numbers, addresses
 * @param example the whole line, as the last host said it
 * @param hosts how many it was seen on
 * @param times how often
 * @param releases of the kernels it was seen for
 */
public record FailureCluster(
        String kind,
        String error,
        String example,
        int hosts,
        int times,
        Instant first,
        Instant last,
        List<String> releases) {

    /** One failure, as it stands in the ledger. */
    record Failed(Instant at, HostId host, BuildTarget target, String kind, String error) {

        static Failed of(Instant at, Observation observation) {
            if (observation instanceof Observation.BuildFailed event) {
                return new Failed(
                        at, event.host(), event.target(), event.failure().name(), event.error());
            }
            if (observation instanceof Observation.InstallFailed event) {
                return new Failed(at, event.host(), event.target(), "INSTALL", event.step() + ": " + event.error());
            }
            if (observation instanceof Observation.LoadFailed event) {
                return new Failed(at, event.host(), event.target(), "LOAD", event.error());
            }
            throw new IllegalArgumentException("Expected a failure, but got " + observation);
        }
    }

    /** Those on most hosts first; of equals, the newest. @param failed the newest first */
    static List<FailureCluster> of(List<Failed> failed) {
        Map<String, List<Failed>> alike = new LinkedHashMap<>();
        for (Failed failure : failed) {
            String key = failure.kind() + " " + normalised(failure.error());
            alike.computeIfAbsent(key, any -> new ArrayList<>()).add(failure);
        }
        return alike.values().stream()
                .map(FailureCluster::together)
                .sorted(Comparator.comparingInt(FailureCluster::hosts)
                        .thenComparing(FailureCluster::last)
                        .reversed())
                .toList();
    }

    private static FailureCluster together(List<Failed> alike) {
        Failed newest = alike.get(0);
        return new FailureCluster(
                newest.kind(),
                normalised(newest.error()),
                newest.error(),
                distinct(alike, Failed::host).size(),
                alike.size(),
                alike.get(alike.size() - 1).at(),
                newest.at(),
                distinct(alike, failure -> failure.target().release()).stream()
                        .sorted()
                        .toList());
    }

    private static <T> Collection<T> distinct(List<Failed> alike, Function<Failed, T> what) {
        return alike.stream().map(what).distinct().toList();
    }

    /**
     * A compiler's line without what only tells where and when: directories, line and column, addresses, kernel releases,
     * sizes. Names of files and of symbols stay: they are the error.
     */
    static String normalised(String error) {
        return error.strip()
                .replaceAll("\\p{Cntrl}\\[[0-9;]*m", "")
                .replaceAll("(?:/[\\w.+~-]+)+/([\\w.+~-]+)", "…/$1")
                .replaceAll("\\b([\\w+-]+\\.[chS]):\\d+(?::\\d+)?", "$1")
                .replaceAll("\\b0x[0-9a-fA-F]+\\b|\\b[0-9a-f]{12,}\\b", "…")
                .replaceAll("\\b\\d+\\.\\d+\\.\\d+-[\\w.~+-]+", "…")
                .replaceAll("(?<![\\w.-])\\d+(?![\\w.-])", "…")
                .replaceAll("\\s+", " ");
    }
}
