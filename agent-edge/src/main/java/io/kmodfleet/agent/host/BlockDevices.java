package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The mounted block devices of a running host, by {@code /proc/self/mountinfo} (proc(5)) and {@code /sys/dev/block}. */
final class BlockDevices {

    /** The module that tracks changes of block devices, and the file in which it names those that it tracks. */
    private static final String TRACKER = "dattobd";

    private static final String TRACKED = "/proc/datto-info";
    private static final String NAMED = "\"block_device\"";

    private final HostRoot root;

    /** One line of mountinfo. */
    record Mount(String number, String mount, String type, String source) {}

    BlockDevices(HostRoot root) {
        this.root = root;
    }

    List<BlockDevice> look() {
        List<BlockDevice> devices = new ArrayList<>();
        for (Filled filled : filled().orElse(List.of())) {
            long all = filled.used() + filled.usable();
            devices.add(new BlockDevice(
                    filled.device(),
                    filled.mount().type(),
                    filled.mount().mount(),
                    filled.usable(),
                    all == 0 ? 0 : (int) ((filled.used() * 100 + all - 1) / all),
                    filled.synced(),
                    filled.mount().source()));
        }
        return devices;
    }

    /** In bytes. */
    record Filled(Mount mount, String device, long total, long used, long usable, boolean synced) {}

    /** Absent where the host does not say what is mounted. Loads no JSON library: the service asks every minute. */
    Optional<List<Filled>> filled() {
        List<String> lines;
        try {
            lines = Files.readAllLines(root.at("/proc/self/mountinfo"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return Optional.empty();
        }
        Set<String> tracked = tracked();
        List<Filled> devices = new ArrayList<>();
        for (Mount mount : mounts(lines)) {
            try {
                FileStore store = Files.getFileStore(root.at(mount.mount()));
                String device = device(mount);
                devices.add(new Filled(
                        mount,
                        device,
                        store.getTotalSpace(),
                        store.getTotalSpace() - store.getUnallocatedSpace(),
                        store.getUsableSpace(),
                        tracked.contains(device) || tracked.contains(mount.source())));
            } catch (IOException e) {
                // Unmounted meanwhile, or out of our sight.
            }
        }
        return Optional.of(devices);
    }

    /** Those of block devices, one for each device. Read-only images of packages (loop devices) hold nothing to back up. */
    static Collection<Mount> mounts(List<String> lines) {
        Map<String, Mount> byDevice = new LinkedHashMap<>();
        for (String line : lines) {
            String[] fields = line.split(" ");
            int separator = List.of(fields).indexOf("-");
            if (separator < 6 || fields.length < separator + 3) {
                continue;
            }
            String source = unescaped(fields[separator + 2]);
            if (!source.startsWith("/dev/") || source.startsWith("/dev/loop")) {
                continue;
            }
            Mount mount = new Mount(fields[2], unescaped(fields[4]), fields[separator + 1], source);
            byDevice.merge(
                    mount.number(),
                    mount,
                    (one, other) -> other.mount().length() < one.mount().length() ? other : one);
        }
        return byDevice.values();
    }

    /** Space, tab, line break and backslash stand there as three octal digits. */
    private static String unescaped(String field) {
        return field.replace("\\040", " ")
                .replace("\\011", "?")
                .replace("\\012", "?")
                .replace("\\134", "\\");
    }

    private String device(Mount mount) {
        Path link = root.at("/sys/dev/block").resolve(mount.number());
        try {
            return "/dev/" + Files.readSymbolicLink(link).getFileName();
        } catch (IOException e) {
            return mount.source();
        }
    }

    private Set<String> tracked() {
        Set<String> devices = new TreeSet<>();
        if (!Files.isDirectory(root.at("/sys/module/" + TRACKER))) {
            return devices;
        }
        try {
            return tracked(Files.readString(root.at(TRACKED), StandardCharsets.UTF_8));
        } catch (IOException e) {
            return devices;
        }
    }

    /** What stands behind each {@code "block_device":}; one with a sign that JSON escapes is no device's name. */
    static Set<String> tracked(String info) {
        Set<String> devices = new TreeSet<>();
        for (int at = info.indexOf(NAMED); at >= 0; at = info.indexOf(NAMED, at + 1)) {
            int colon = past(info, at + NAMED.length(), ':');
            int begin = colon < 0 ? -1 : past(info, colon, '"');
            int end = begin < 0 ? -1 : info.indexOf('"', begin);
            String device = end < 0 ? "" : info.substring(begin, end);
            if (!device.isEmpty() && device.indexOf('\\') < 0) {
                devices.add(device);
            }
        }
        return devices;
    }

    /** The place behind that sign, where nothing but white space stands before it; -1 otherwise. */
    private static int past(String text, int from, char sign) {
        int at = from;
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at < text.length() && text.charAt(at) == sign ? at + 1 : -1;
    }
}
