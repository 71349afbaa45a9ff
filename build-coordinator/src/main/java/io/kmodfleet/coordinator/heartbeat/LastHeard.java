package io.kmodfleet.coordinator.heartbeat;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Shared;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * When each host was last heard of, in some 200 bytes for each; devices only until they are written down. A host that never sent a
 * heartbeat is not in it, whatever else it says: its agent is of a release that has none. Safe for many threads.
 */
final class LastHeard {

    private final int most;
    private final Duration silentAfter;
    private final Map<HostId, Heard> hosts = new ConcurrentHashMap<>();
    private final Map<HostId, Told> devices = new ConcurrentHashMap<>();
    private final Map<HostId, Instant> silent = new ConcurrentHashMap<>();
    private final Set<HostId> changed = ConcurrentHashMap.newKeySet();

    /** @param most hosts that are kept; those that come later are refused */
    LastHeard(Duration silentAfter, int most) {
        this.silentAfter = silentAfter;
        this.most = most;
    }

    private static final class Heard {
        private volatile long atMillis;
        private long uptimeSeconds;
        private long unsent;
        private String agentVersion;
        private volatile boolean isNew;
    }

    /** Devices of a host. @param at when it named them */
    record Told(List<Device> devices, Instant at) {}

    /** What is known of a host. @param devices absent where they are written down already, or never were named */
    record Entry(
            HostId host,
            Instant at,
            String agentVersion,
            OptionalLong uptimeSeconds,
            long unsent,
            Optional<Told> devices) {}

    /** As it was written down by an earlier coordinator. */
    void restore(HostId host, Instant at, String agentVersion, OptionalLong uptimeSeconds, long unsent) {
        Heard heard = new Heard();
        heard.atMillis = at.toEpochMilli();
        heard.agentVersion = Shared.of(agentVersion);
        heard.uptimeSeconds = uptimeSeconds.orElse(-1);
        heard.unsent = unsent;
        hosts.putIfAbsent(host, heard);
    }

    /**
     * @param at when it reached the broker, or this coordinator: no host's clock
     * @return false where there is no room for another host
     */
    boolean beat(Heartbeat heartbeat, Instant at, Instant now) {
        HostId host = heartbeat.host();
        if (!hosts.containsKey(host) && hosts.size() >= most) {
            return false;
        }
        hosts.compute(host, (any, before) -> {
            Heard heard = before == null ? new Heard() : before;
            // What is read back may be older than what was written down.
            if (at.toEpochMilli() >= heard.atMillis) {
                heard.atMillis = at.toEpochMilli();
                heard.agentVersion = Shared.of(heartbeat.agentVersion());
                heard.uptimeSeconds = heartbeat.uptimeSeconds().orElse(-1);
                heard.unsent = heartbeat.unsent();
                heard.isNew = true;
            }
            return heard;
        });
        heartbeat.devices().ifPresent(named -> devices.put(host, new Told(named, at)));
        speaksAgain(host, at, now);
        return true;
    }

    /** It was heard otherwise: an observation of it was committed. */
    void spoke(HostId host, Instant at, Instant now) {
        Heard heard = hosts.computeIfPresent(host, (any, before) -> {
            if (at.toEpochMilli() > before.atMillis) {
                before.atMillis = at.toEpochMilli();
                before.isNew = true;
            }
            return before;
        });
        if (heard != null) {
            speaksAgain(host, at, now);
        }
    }

    private void speaksAgain(HostId host, Instant at, Instant now) {
        if (!isLongAgo(at.toEpochMilli(), now) && silent.remove(host) != null) {
            changed.add(host);
        }
    }

    /** Looks who has fallen silent. Only for whoever has listened all the time. */
    void review(Instant now) {
        hosts.forEach((host, heard) -> {
            if (isLongAgo(heard.atMillis, now)) {
                if (silent.put(host, Instant.ofEpochMilli(heard.atMillis)) == null) {
                    changed.add(host);
                }
                // It may have spoken between the two lines above.
                if (!isLongAgo(heard.atMillis, now)) {
                    speaksAgain(host, Instant.ofEpochMilli(heard.atMillis), now);
                }
            }
        });
    }

    private boolean isLongAgo(long atMillis, Instant now) {
        return now.toEpochMilli() - atMillis > silentAfter.toMillis();
    }

    /** When a host was last heard of that is silent; absent where it is not. */
    Optional<Instant> silentSince(HostId host) {
        return Optional.ofNullable(silent.get(host));
    }

    int size() {
        return hosts.size();
    }

    /** Whoever fell silent or speaks again since this was last asked. */
    List<HostId> takeChanged() {
        List<HostId> taken = new ArrayList<>(changed);
        taken.forEach(changed::remove);
        return taken;
    }

    Optional<Entry> of(HostId host) {
        return Optional.ofNullable(hosts.get(host)).map(heard -> entry(host, heard));
    }

    /** Takes up to so many of those that are not written down yet. */
    List<Entry> takeNew(int limit) {
        List<Entry> taken = new ArrayList<>();
        for (Map.Entry<HostId, Heard> known : hosts.entrySet()) {
            if (known.getValue().isNew) {
                hosts.computeIfPresent(known.getKey(), (host, heard) -> {
                    heard.isNew = false;
                    taken.add(entry(host, heard));
                    return heard;
                });
                if (taken.size() == limit) {
                    break;
                }
            }
        }
        return taken;
    }

    /** They are written down: their devices need not be kept. */
    void written(List<Entry> entries) {
        entries.forEach(entry -> entry.devices().ifPresent(told -> devices.remove(entry.host(), told)));
    }

    /** They could not be written down. */
    void notWritten(List<Entry> entries) {
        entries.forEach(entry -> hosts.get(entry.host()).isNew = true);
    }

    /** Whoever stands by writes nothing down; the active one has them, and each host names its devices once an hour. */
    void forgetDevices() {
        devices.clear();
    }

    private Entry entry(HostId host, Heard heard) {
        return new Entry(
                host,
                Instant.ofEpochMilli(heard.atMillis),
                heard.agentVersion,
                heard.uptimeSeconds < 0 ? OptionalLong.empty() : OptionalLong.of(heard.uptimeSeconds),
                heard.unsent,
                Optional.ofNullable(devices.get(host)));
    }
}
