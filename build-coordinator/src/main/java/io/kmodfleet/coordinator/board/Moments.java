package io.kmodfleet.coordinator.board;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The fleet in figures at moments of the past: the older, the fewer of them, so that all of them are some hundreds for ever. */
public final class Moments {

    private static final int FINE = 40;
    private static final Duration SHORTEST = Duration.ofSeconds(15);

    private final List<Moment> all = new ArrayList<>();

    /**
     * @param safety hosts by {@link Safety}, in its order
     * @param kernels hosts by the release that they run, those on most hosts
     * @param tally what was built and what was saved up to then
     */
    @JsonInclude(JsonInclude.Include.ALWAYS)
    public record Moment(long position, Instant at, int[] safety, Map<String, Integer> kernels, Tally tally) {}

    /** Whether there is something new enough to be kept. */
    public synchronized boolean wants(long position, Instant at) {
        if (all.isEmpty()) {
            return true;
        }
        Moment last = all.get(all.size() - 1);
        return position > last.position() && Duration.between(last.at(), at).compareTo(SHORTEST) >= 0;
    }

    /** @return those that are not kept any more: neighbours that are closer than a fraction of their age */
    public synchronized List<Moment> add(Moment moment) {
        all.add(moment);
        List<Moment> gone = new ArrayList<>();
        List<Moment> kept = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            Moment one = all.get(i);
            boolean ends = i == 0 || i == all.size() - 1;
            Duration age = Duration.between(one.at(), moment.at());
            boolean close = !ends
                    && Duration.between(kept.get(kept.size() - 1).at(), one.at())
                                    .compareTo(age.dividedBy(FINE))
                            < 0;
            (close ? gone : kept).add(one);
        }
        all.clear();
        all.addAll(kept);
        return gone;
    }

    public synchronized List<Moment> all() {
        return List.copyOf(all);
    }
}
