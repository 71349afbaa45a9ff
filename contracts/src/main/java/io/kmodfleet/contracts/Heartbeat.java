package io.kmodfleet.contracts;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A sign of life of an agent. It decides nothing and is in no ledger: who misses it only learns later that its host is silent.
 *
 * @param agentVersion of the agent that sent it; at most 64 characters
 * @param uptimeSeconds how long the host runs since its boot, in seconds; absent where it does not say
 * @param unsent observations that wait in the host's journal for the ledger's acknowledgement
 * @param devices the mounted block devices, where they changed since the last heartbeat that named them, and once an hour; absent
 *     means that those of before still stand, empty that there is none
 */
public record Heartbeat(
        HostId host, String agentVersion, OptionalLong uptimeSeconds, long unsent, Optional<List<Device>> devices) {

    /** The most devices that one heartbeat may name. */
    public static final int MOST_DEVICES = 256;

    private static final int LONGEST_VERSION = 64;

    public Heartbeat {
        Objects.requireNonNull(host, "host");
        Grammar.line("version of the agent", agentVersion);
        if (agentVersion.isBlank() || agentVersion.length() > LONGEST_VERSION) {
            throw new IllegalArgumentException("Expected a version of the agent of 1 to " + LONGEST_VERSION
                    + " characters, but it has " + agentVersion.strip().length());
        }
        uptimeSeconds = uptimeSeconds == null ? OptionalLong.empty() : uptimeSeconds;
        notNegative("uptimeSeconds", uptimeSeconds.orElse(0));
        notNegative("unsent", unsent);
        devices = Absent.orEmpty(devices);
        if (devices.isPresent()) {
            devices = Optional.of(List.copyOf(devices.get()));
            if (devices.get().size() > MOST_DEVICES) {
                throw new IllegalArgumentException("Expected at most " + MOST_DEVICES + " devices, but got "
                        + devices.get().size());
            }
        }
    }

    /**
     * A mounted block device, as the product guide's table shows it (3.2).
     *
     * @param device the kernel's name, as {@code /dev/dm-0}
     * @param type of its file system
     * @param mount where it is mounted, the shortest place of several
     * @param sizeBytes of its file system
     * @param usedBytes what files take; the rest is free, or kept for root
     * @param synced whether a module that tracks its changes does so now; absent where that is not known
     * @param path the name it was mounted by, as {@code /dev/mapper/vg-root}
     */
    public record Device(
            String device,
            String type,
            String mount,
            long sizeBytes,
            long usedBytes,
            Optional<Boolean> synced,
            String path) {
        public Device {
            Grammar.line("device", device);
            Grammar.line("type of a file system", type);
            Grammar.line("mount point", mount);
            notNegative("sizeBytes", sizeBytes);
            notNegative("usedBytes", usedBytes);
            if (usedBytes > sizeBytes) {
                throw new IllegalArgumentException(
                        "Expected at most sizeBytes (" + sizeBytes + ") in usedBytes, but got " + usedBytes);
            }
            synced = Absent.orEmpty(synced);
            Grammar.line("path of a device", path);
        }
    }

    private static void notNegative(String what, long value) {
        if (value < 0) {
            throw new IllegalArgumentException("Expected 0 or more in " + what + ", but got " + value);
        }
    }
}
