package io.kmodfleet.agent.host;

import io.kmodfleet.agent.host.BlockDevices.Filled;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a heartbeat says of this host. Looks at little, keeps less, and loads neither JSON nor a regular expression: the program that
 * asks lies in memory for months.
 */
public final class Pulse {

    /** The devices are told that often, whether they changed or not: whoever missed them has them an hour later. */
    private static final Duration DEVICES_EVERY = Duration.ofHours(1);

    /** In all devices of one heartbeat; a host with more names the first ones. */
    private static final int MOST_CHARACTERS = 16 * 1024;

    private static final int LONGEST_LINE = 256;

    private final HostRoot root;
    private final Path journal;
    private final String version;
    private List<Device> told = List.of();
    private Optional<Long> toldAt = Optional.empty();
    private Optional<List<Device>> telling = Optional.empty();

    /** @param state the directory with the agent's journal */
    public Pulse(HostRoot root, Path state, String version) {
        this.root = root;
        this.journal = state.resolve("journal");
        this.version = version;
    }

    /**
     * The next one, with the devices where they are due.
     *
     * @param nanos by {@link System#nanoTime}
     */
    public Heartbeat next(HostId host, long nanos) {
        Optional<List<Device>> devices = devices();
        boolean due = toldAt.isEmpty() || nanos - toldAt.get() >= DEVICES_EVERY.toNanos();
        telling = devices.isPresent() && (due || isChanged(told, devices.get())) ? devices : Optional.empty();
        return new Heartbeat(host, version, uptime(), unsent(), telling);
    }

    /** The last one was sent. */
    public void sent(long nanos) {
        if (telling.isPresent()) {
            told = telling.get();
            toldAt = Optional.of(nanos);
            telling = Optional.empty();
        }
    }

    /** Whether another one is there, or one is filled otherwise by a hundredth of its size: files are written all the time. */
    static boolean isChanged(List<Device> before, List<Device> now) {
        if (before.size() != now.size()) {
            return true;
        }
        for (int i = 0; i < now.size(); i++) {
            Device one = before.get(i);
            Device other = now.get(i);
            boolean same = one.device().equals(other.device())
                    && one.type().equals(other.type())
                    && one.mount().equals(other.mount())
                    && one.path().equals(other.path())
                    && one.synced().equals(other.synced())
                    && one.sizeBytes() == other.sizeBytes();
            if (!same || Math.abs(one.usedBytes() - other.usedBytes()) > one.sizeBytes() / 100) {
                return true;
            }
        }
        return false;
    }

    private Optional<List<Device>> devices() {
        Optional<List<Filled>> filled = new BlockDevices(root).filled();
        if (filled.isEmpty()) {
            return Optional.empty();
        }
        List<Device> devices = new ArrayList<>();
        int characters = 0;
        for (Filled one : filled.get()) {
            characters += one.device().length()
                    + one.mount().type().length()
                    + one.mount().mount().length()
                    + one.mount().source().length();
            if (devices.size() == Heartbeat.MOST_DEVICES || characters > MOST_CHARACTERS) {
                break;
            }
            long total = Math.max(0, one.total());
            devices.add(new Device(
                    line(one.device()),
                    line(one.mount().type()),
                    line(one.mount().mount()),
                    total,
                    Math.max(0, Math.min(total, one.used())),
                    Optional.of(one.synced()),
                    line(one.mount().source())));
        }
        return Optional.of(devices);
    }

    /** Names of files may hold anything. */
    private static String line(String text) {
        StringBuilder line = new StringBuilder(text.length());
        for (int i = 0; i < Math.min(text.length(), LONGEST_LINE); i++) {
            char c = text.charAt(i);
            line.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
        }
        return line.toString();
    }

    /** {@code /proc/uptime} (proc(5)): seconds with two digits behind the point. */
    private OptionalLong uptime() {
        try {
            String text = Files.readString(root.at("/proc/uptime"));
            return OptionalLong.of(Long.parseLong(text.substring(0, text.indexOf('.'))));
        } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
            return OptionalLong.empty();
        }
    }

    /** Without opening the journal, which a shift may hold: each line but the first is an observation. */
    private long unsent() {
        long lines = 0;
        try (InputStream in = Files.newInputStream(journal)) {
            byte[] part = new byte[8192];
            for (int read = in.read(part); read >= 0; read = in.read(part)) {
                for (int i = 0; i < read; i++) {
                    lines += part[i] == '\n' ? 1 : 0;
                }
            }
        } catch (IOException e) {
            return 0;
        }
        return Math.max(0, lines - 1);
    }
}
