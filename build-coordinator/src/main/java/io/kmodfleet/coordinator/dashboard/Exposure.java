package io.kmodfleet.coordinator.dashboard;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How long answers that hold hosts back have been in force. */
@ApplicationScoped
class Exposure {

    private static final int MARKS = 400;
    private static final List<Span> SPANS = List.of(
            new Span("under an hour", Duration.ofHours(1)),
            new Span("an hour to a day", Duration.ofDays(1)),
            new Span("a day to a week", Duration.ofDays(7)),
            new Span("over a week", Duration.ofDays(1_000_000)));

    private final Ledgers ledgers;

    Exposure(Ledgers ledgers) {
        this.ledgers = ledgers;
    }

    private record Span(String words, Duration upTo) {}

    /** @param share of all that are held back, in per cent */
    record Held(String words, int hosts, int share) {}

    /** By the times of the ledger, as exactly as some hundreds of its entries tell. */
    List<Held> of(Seen seen) {
        long[] positions = seen.board().heldSince();
        int[] hosts = new int[SPANS.size()];
        if (positions.length > 0) {
            List<Map.Entry<Long, Instant>> ruler = ledgers.ruler(seen.state().position(), MARKS);
            Instant now = seen.isNow() ? Instant.now() : seen.state().now();
            long[] firsts = SPANS.stream()
                    .mapToLong(span -> positionAt(ruler, now.minus(span.upTo())))
                    .toArray();
            for (long position : positions) {
                int span = 0;
                while (span < firsts.length - 1 && position < firsts[span]) {
                    span++;
                }
                hosts[span]++;
            }
        }
        List<Held> held = new ArrayList<>();
        for (int i = 0; i < hosts.length; i++) {
            held.add(new Held(
                    SPANS.get(i).words(),
                    hosts[i],
                    positions.length == 0 ? 0 : Math.round(100f * hosts[i] / positions.length)));
        }
        return held;
    }

    /** The first mark that was taken then or later. */
    private static long positionAt(List<Map.Entry<Long, Instant>> ruler, Instant then) {
        for (Map.Entry<Long, Instant> mark : ruler) {
            if (!mark.getValue().isBefore(then)) {
                return mark.getKey();
            }
        }
        return Long.MAX_VALUE;
    }
}
