package io.kmodfleet.agent.host;

/**
 * A mounted block device, as the product guide's table shows it (3.2).
 *
 * @param device the kernel's name, as {@code /dev/dm-0}
 * @param type of its file system
 * @param mount where it is mounted, the shortest place of several
 * @param freeBytes what a user may still write
 * @param usedPercent rounded up, as df does
 * @param synced whether a module that tracks its changes does so now
 * @param path the name it was mounted by, as {@code /dev/mapper/vg-root}
 */
public record BlockDevice(
        String device, String type, String mount, long freeBytes, int usedPercent, boolean synced, String path) {}
