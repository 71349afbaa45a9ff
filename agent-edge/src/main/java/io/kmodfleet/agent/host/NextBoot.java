package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which kernel starts next: by the entries of the Boot Loader Specification and GRUB's environment (the Enterprise Linux family),
 * else by the links that Debian's kernel packages keep ({@code do_symlinks} in kernel-img.conf(5)). A person may have told the boot
 * loader otherwise in a way that is not read here; where signs disagree, nothing is said.
 */
final class NextBoot {

    private static final String IMAGE = "vmlinuz-";
    private static final int LARGEST = 64 * 1024;

    private final HostRoot root;

    /** @param id its file name, without {@code .conf}: what GRUB saves */
    private record Entry(String id, String release) {}

    NextBoot(HostRoot root) {
        this.root = root;
    }

    /** Absent where it is not known. */
    Optional<String> release() {
        Map<String, String> environment = grubEnvironment();
        String chosen = environment.getOrDefault("next_entry", "").isEmpty()
                ? environment.getOrDefault("saved_entry", "")
                : environment.get("next_entry");
        List<Entry> entries = entries();
        if (!entries.isEmpty()) {
            return chosen(entries, chosen);
        }
        // Once, at the next boot, another than the links say.
        return environment.getOrDefault("next_entry", "").isEmpty() ? linked() : Optional.empty();
    }

    /** Without a choice GRUB takes the first, and it puts the newest first. */
    private static Optional<String> chosen(List<Entry> entries, String chosen) {
        if (chosen.isEmpty()) {
            return Optional.of(entries.get(0).release());
        }
        if (chosen.matches("\\d{1,3}")) {
            int index = Integer.parseInt(chosen);
            return index < entries.size() ? Optional.of(entries.get(index).release()) : Optional.empty();
        }
        return entries.stream()
                .filter(entry -> entry.id().equals(chosen))
                .map(Entry::release)
                .findFirst();
    }

    private List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(root.at("/boot/loader/entries"), "*.conf")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                releaseIn(file)
                        .ifPresent(release ->
                                entries.add(new Entry(name.substring(0, name.length() - ".conf".length()), release)));
            }
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        entries.sort((one, other) -> NEWEST_FIRST.compare(one.id(), other.id()));
        return entries;
    }

    /** By its {@code linux} line: the image that is loaded. A version line is for people. */
    private Optional<String> releaseIn(Path entry) {
        for (String line : lines(entry)) {
            String[] words = line.strip().split("\\s+", 2);
            if (words.length == 2 && words[0].equals("linux")) {
                String file = words[1].substring(words[1].lastIndexOf('/') + 1);
                return file.startsWith(IMAGE) ? Optional.of(file.substring(IMAGE.length())) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private Map<String, String> grubEnvironment() {
        Map<String, String> values = new HashMap<>();
        for (String place : List.of("/boot/grub2/grubenv", "/boot/grub/grubenv")) {
            for (String line : lines(root.at(place))) {
                int equals = line.indexOf('=');
                if (equals > 0 && !line.startsWith("#")) {
                    values.putIfAbsent(line.substring(0, equals), line.substring(equals + 1));
                }
            }
        }
        return values;
    }

    private static List<String> lines(Path file) {
        try {
            return Files.size(file) > LARGEST ? List.of() : Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Absent where there is no link, it leads nowhere, or two links lead to two kernels. */
    private Optional<String> linked() {
        Set<String> linked = new TreeSet<>();
        for (String link : new String[] {"/vmlinuz", "/boot/vmlinuz"}) {
            if (Files.isSymbolicLink(root.directory().resolve(link.substring(1)))) {
                Path image = root.at(link);
                String name = image.getFileName().toString();
                if (!Files.isRegularFile(image) || !name.startsWith(IMAGE)) {
                    return Optional.empty();
                }
                linked.add(name.substring(IMAGE.length()));
            }
        }
        return linked.size() == 1 ? Optional.of(linked.iterator().next()) : Optional.empty();
    }

    /** As rpm compares versions: runs of digits as numbers, which are newer than letters; what separates them does not count. */
    static final java.util.Comparator<String> NEWEST_FIRST = (one, other) -> {
        List<String> ones = partsOf(one);
        List<String> others = partsOf(other);
        for (int i = 0; i < Math.min(ones.size(), others.size()); i++) {
            String a = ones.get(i);
            String b = others.get(i);
            boolean number = Character.isDigit(a.charAt(0));
            if (number != Character.isDigit(b.charAt(0))) {
                return number ? -1 : 1;
            }
            int order = number ? new java.math.BigInteger(b).compareTo(new java.math.BigInteger(a)) : b.compareTo(a);
            if (order != 0) {
                return order;
            }
        }
        return others.size() - ones.size();
    };

    private static List<String> partsOf(String version) {
        List<String> parts = new ArrayList<>();
        var part = java.util.regex.Pattern.compile("\\d+|[A-Za-z]+").matcher(version);
        while (part.find()) {
            parts.add(part.group());
        }
        return parts;
    }
}
