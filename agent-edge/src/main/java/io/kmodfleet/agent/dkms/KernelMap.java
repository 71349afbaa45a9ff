package io.kmodfleet.agent.dkms;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A symbol map as {@code System.map} and {@code /proc/kallsyms} have it: lines of address, type and name. Read line by line, for
 * it holds a hundred thousand symbols.
 *
 * @param file where it lies
 */
record KernelMap(Path file) {

    /** Where the image's text is linked on x86-64; a kernel that runs may have been moved from there (KASLR). */
    private static final long LINKED = 0xffffffff81000000L;

    private static final String START = "_text";

    /**
     * Whether builds can rely on it. One that has {@code __per_cpu_start} and nothing else gives a module that loads and then kills
     * the kernel; so does one whose addresses the kernel hides.
     */
    boolean isUsable() {
        boolean perCpu = false;
        try (BufferedReader lines = reader()) {
            boolean start = false;
            boolean free = false;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                perCpu |= line.endsWith(" __per_cpu_start");
                start |= line.endsWith(" " + START) && addressOf(line) != 0;
                free |= line.endsWith(" kfree") && addressOf(line) != 0;
                if (perCpu && start && free) {
                    return true;
                }
            }
        } catch (IOException e) {
            return false;
        }
        return false;
    }

    /**
     * Writes the image's own symbols as they are linked, whatever boot this map is of: two hosts get the same. Absolute symbols
     * (per-CPU offsets), which lie below the image, are not moved.
     *
     * @return whether there is a map now: the kernel may hide its addresses
     */
    boolean writeLinked(Path to) throws IOException {
        Optional<Long> start = Optional.empty();
        try (BufferedReader lines = reader()) {
            for (String line = lines.readLine(); line != null && start.isEmpty(); line = lines.readLine()) {
                if (line.endsWith(" " + START)) {
                    start = Optional.of(addressOf(line));
                }
            }
        }
        if (start.isEmpty() || start.get() == 0) {
            return false;
        }
        long moved = start.get() - LINKED;
        try (BufferedReader lines = reader();
                Writer out = Files.newBufferedWriter(to, StandardCharsets.ISO_8859_1)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split("\\s+");
                // Whatever has a fourth word belongs to a module, not to the image.
                if (words.length == 3) {
                    long address = addressOf(line);
                    long linked = Long.compareUnsigned(address, start.get()) < 0 ? address : address - moved;
                    out.write(String.format("%016x %s %s%n", linked, words[1], words[2]));
                }
            }
        }
        return new KernelMap(to).isUsable();
    }

    /**
     * @param names in capitals, as scripts write symbols into headers
     * @return the addresses of every symbol that might be meant by a name
     */
    Map<String, Set<Long>> addressesOf(Set<String> names) throws IOException {
        Map<String, Set<Long>> found = new HashMap<>();
        try (BufferedReader lines = reader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String name = line.substring(line.lastIndexOf(' ') + 1).strip().toUpperCase(Locale.ROOT);
                if (names.contains(name)) {
                    found.computeIfAbsent(name, any -> new TreeSet<>()).add(addressOf(line));
                }
            }
        }
        return found;
    }

    private BufferedReader reader() throws IOException {
        return Files.newBufferedReader(file, StandardCharsets.ISO_8859_1);
    }

    private static long addressOf(String line) {
        int end = line.indexOf(' ');
        try {
            return end < 1 ? 0 : Long.parseUnsignedLong(line, 0, end, 16);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
