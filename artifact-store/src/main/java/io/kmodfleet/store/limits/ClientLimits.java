package io.kmodfleet.store.limits;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** One allowance for each client; of more clients than this, those that were quiet for longest are forgotten. */
final class ClientLimits {

    private static final int MOST_CLIENTS = 10_000;

    private final int perSecond;
    private final Map<String, Allowance> clients = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Allowance> eldest) {
            return size() > MOST_CLIENTS;
        }
    };

    /** @param perSecond 0 for no limit */
    ClientLimits(int perSecond) {
        this.perSecond = perSecond;
    }

    /** Empty where the client may; otherwise how long it is to wait. */
    synchronized Optional<Duration> take(String client, long now) {
        return perSecond == 0
                ? Optional.empty()
                : clients.computeIfAbsent(client, unknown -> new Allowance(perSecond, now))
                        .take(now);
    }
}
