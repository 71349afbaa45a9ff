package io.kmodfleet.coordinator.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All of them counted, the first of them kept: a ledger that is all wrong must not fill the memory. */
final class Findings {

    static final int KEPT = 1000;

    private final List<Finding> first = new ArrayList<>();
    private final Map<String, Long> counts = new TreeMap<>();
    private long wrong;

    void add(Finding finding) {
        counts.merge(Finding.nameOf(finding), 1L, Long::sum);
        wrong += finding.isWrong() ? 1 : 0;
        if (first.size() < KEPT) {
            first.add(finding);
        }
    }

    void add(Findings more) {
        more.counts.forEach((name, count) -> counts.merge(name, count, Long::sum));
        wrong += more.wrong;
        first.addAll(more.first.subList(0, Math.min(more.first.size(), KEPT - first.size())));
    }

    List<Finding> first() {
        return List.copyOf(first);
    }

    Map<String, Long> counts() {
        return new TreeMap<>(counts);
    }

    long wrong() {
        return wrong;
    }
}
