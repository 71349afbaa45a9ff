package io.kmodfleet.agent.host;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
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

    private final HostRoot root;

    /** One line of mountinfo. */
    record Mount(String number, String mount, String type, String source) {}

    BlockDevices(HostRoot root) {
        this.root = root;
    }

    List<BlockDevice> look() {
        List<String> lines;
        try {
            lines = Files.readAllLines(root.at("/proc/self/mountinfo"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return List.of();
        }
        Set<String> tracked = tracked();
        List<BlockDevice> devices = new ArrayList<>();
        for (Mount mount : mounts(lines)) {
            try {
                FileStore store = Files.getFileStore(root.at(mount.mount()));
                long used = store.getTotalSpace() - store.getUnallocatedSpace();
                long all = used + store.getUsableSpace();
                String device = device(mount);
                devices.add(new BlockDevice(
                        device,
                        mount.type(),
                        mount.mount(),
                        store.getUsableSpace(),
                        all == 0 ? 0 : (int) ((used * 100 + all - 1) / all),
                        tracked.contains(device) || tracked.contains(mount.source()),
                        mount.source()));
            } catch (IOException e) {
                // Unmounted meanwhile, or out of our sight.
            }
        }
        return devices;
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
            JsonNode info = FleetJson.mapper().readTree(Files.readAllBytes(root.at(TRACKED)));
            info.path("devices").forEach(device -> Optional.ofNullable(
                            device.path("block_device").textValue())
                    .ifPresent(devices::add));
        } catch (IOException e) {
            return devices;
        }
        return devices;
    }
}
