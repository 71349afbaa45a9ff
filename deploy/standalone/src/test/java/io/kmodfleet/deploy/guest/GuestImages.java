package io.kmodfleet.deploy.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Disk images of virtual machines, made once by {@code deploy/guest-images}; nobody writes to them. */
final class GuestImages {

    private final Path made;
    private final Map<String, String> chosen = new HashMap<>();

    private GuestImages(Path made) throws IOException {
        this.made = made;
        for (String line : Files.readAllLines(made.resolve("images.env"))) {
            int equals = line.indexOf('=');
            chosen.put(line.substring(0, equals), line.substring(equals + 1));
        }
    }

    /** What this machine lacks to make and run them, in a sentence. */
    static Optional<String> missing() {
        if (!System.getProperty("user.name").equals("root")) {
            return Optional.of("Images of virtual machines are made as root. Run it with sudo.");
        }
        for (String tool : List.of(
                "/usr/bin/qemu-system-x86_64",
                "/usr/bin/qemu-img",
                "/usr/bin/mmdebstrap",
                "/usr/bin/grub-mkimage",
                "/usr/lib/grub/i386-pc/boot.img",
                "/usr/bin/dpkg-scanpackages",
                "/usr/sbin/mke2fs",
                "/usr/sbin/sfdisk")) {
            if (Files.notExists(Path.of(tool))) {
                return Optional.of("Virtual machines need " + tool + " (Debian or Ubuntu). Run: apt-get install"
                        + " qemu-system-x86 qemu-utils mmdebstrap grub-common grub-pc-bin dpkg-dev e2fsprogs fdisk");
            }
        }
        return Optional.empty();
    }

    /** Kept from one run to the next; {@code KMODFLEET_GUESTS} names another place. */
    static GuestImages make(Path home) throws IOException, InterruptedException {
        String named = System.getenv("KMODFLEET_GUESTS");
        Path place = named != null && !named.isBlank()
                ? Path.of(named)
                : Path.of(System.getProperty("user.home"), ".cache", "kmodfleet", "guests");
        Files.createDirectories(place.getParent());
        Process process = new ProcessBuilder(home.resolve("deploy/guest-images").toString(), place.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException("Expected deploy/guest-images to make images, but it failed:\n" + output);
        }
        return new GuestImages(place);
    }

    /** With dkms, gcc, make and the headers of its kernel. */
    Path full() {
        return made.resolve("full.img");
    }

    /** With nothing to build with. */
    Path bare() {
        return made.resolve("bare.img");
    }

    /** Release of the kernel that both begin with. */
    String kernel() {
        return chosen.get("KERNEL");
    }

    /** A newer kernel, in the package source on their disks. */
    String second() {
        return chosen.get("SECOND_KERNEL");
    }

    /** Another one there, older than {@link #second}. */
    String third() {
        return chosen.get("THIRD_KERNEL");
    }
}
