package io.kmodfleet.agent.host;

import io.airlift.compress.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** The root of a system, made of a real kernel and real modules, put where that system has them. */
public final class SystemTree {

    private final Path root;
    private final Path kernelRoot;
    private final String kernelRelease;

    /** @param kernelRoot a host root whose image, config and modules are taken */
    public SystemTree(Path root, Path kernelRoot) throws IOException {
        this.root = root;
        this.kernelRoot = kernelRoot;
        try (Stream<Path> kernels = Files.list(kernelRoot.resolve("lib/modules"))) {
            this.kernelRelease = kernels.findFirst().orElseThrow().getFileName().toString();
        }
        write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        write("/etc/hostname", "backup-7\n");
        Files.createDirectories(root.resolve("var/lib"));
        Files.createDirectories(root.resolve("proc"));
    }

    public Path root() {
        return root;
    }

    HostInspector inspector() {
        return new HostInspector(new HostRoot(root), false, Optional.empty(), java.util.Map::of);
    }

    /** @param version as {@code 20.04 "20.04.6 LTS (Focal Fossa)"} in its os-release */
    public SystemTree ubuntu(String version, String words) throws IOException {
        return write("/etc/os-release", """
                NAME="Ubuntu"
                VERSION="%2$s"
                ID=ubuntu
                ID_LIKE=debian
                PRETTY_NAME="Ubuntu %2$s"
                VERSION_ID="%1$s"
                HOME_URL="https://www.ubuntu.com/"
                """.formatted(version, words));
    }

    public SystemTree debian() throws IOException {
        return write("/etc/os-release", """
                PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
                NAME="Debian GNU/Linux"
                VERSION_ID="12"
                VERSION="12 (bookworm)"
                ID=debian
                """);
    }

    public SystemTree centosStream(String version) throws IOException {
        return write("/etc/os-release", """
                NAME="CentOS Stream"
                VERSION="%1$s"
                ID="centos"
                ID_LIKE="rhel fedora"
                VERSION_ID="%1$s"
                PLATFORM_ID="platform:el%1$s"
                PRETTY_NAME="CentOS Stream %1$s"
                """.formatted(version));
    }

    public SystemTree image(String place) throws IOException {
        return copy(kernelRoot.resolve("boot/vmlinuz-" + kernelRelease), place);
    }

    public SystemTree config(String place) throws IOException {
        return copy(kernelRoot.resolve("boot/config-" + kernelRelease), place);
    }

    /** As Ubuntu and the Enterprise Linux family ship it: addresses, not Debian's one line. */
    public SystemTree symbolMap(String place) throws IOException {
        return write(
                place,
                "0000000000000000 A __per_cpu_start\nffffffff81000000 T _text\nffffffff81000000 T _stext\n"
                        + "ffffffff81e00000 R sys_call_table\n");
    }

    /** A real, signed module of the kernel, compressed as the name of its place says. */
    public SystemTree module(String name, String place) throws IOException {
        byte[] bytes = Files.readAllBytes(moduleFile(name));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (place.endsWith(".zst")) {
            try (OutputStream zst = new ZstdOutputStream(out)) {
                zst.write(bytes);
            }
        } else if (place.endsWith(".xz")) {
            // As the kernel's own Makefile does, so that the kernel can read it.
            try (OutputStream xz = new XZOutputStream(out, new LZMA2Options(0), org.tukaani.xz.XZ.CHECK_CRC32)) {
                xz.write(bytes);
            }
        } else {
            out.writeBytes(bytes);
        }
        return write(place, out.toByteArray());
    }

    Path moduleFile(String name) throws IOException {
        try (Stream<Path> files = Files.walk(kernelRoot.resolve("lib/modules/" + kernelRelease + "/kernel"))) {
            return files.filter(file -> file.getFileName().toString().equals(name + ".ko"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Those of Debian's and Ubuntu's header packages that building needs at least. */
    public SystemTree headers(String release, String place) throws IOException {
        write(place + "/Makefile", "");
        write(place + "/Module.symvers", "");
        return link("/lib/modules/" + release + "/build", place);
    }

    public SystemTree dpkg(String name, Instant installed) throws IOException {
        String list = "/var/lib/dpkg/info/" + name + ".list";
        write(list, "/.\n");
        Files.setLastModifiedTime(root.resolve(list.substring(1)), FileTime.from(installed));
        return this;
    }

    public SystemTree write(String place, String text) throws IOException {
        return write(place, text.getBytes(StandardCharsets.UTF_8));
    }

    public SystemTree write(String place, byte[] bytes) throws IOException {
        Path at = root.resolve(place.substring(1));
        Files.createDirectories(at.getParent());
        Files.write(at, bytes);
        return this;
    }

    public SystemTree link(String place, String target) throws IOException {
        Path at = root.resolve(place.substring(1));
        Files.createDirectories(at.getParent());
        Files.createSymbolicLink(at, Path.of(target));
        return this;
    }

    public SystemTree copy(Path file, String place) throws IOException {
        Path at = root.resolve(place.substring(1));
        Files.createDirectories(at.getParent());
        Files.copy(file, at);
        return this;
    }

    /** A program of this machine with what it is linked to, so that it runs in the root. */
    public SystemTree program(String file) throws IOException, InterruptedException {
        copy(Path.of(file).toRealPath(), file);
        for (String word : run("ldd", file).split("\\s+")) {
            if (word.startsWith("/") && Files.notExists(root.resolve(word.substring(1)))) {
                copy(Path.of(word).toRealPath(), word);
            }
        }
        return this;
    }

    static String run(String... line) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectInput(new java.io.File("/dev/null"))
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(2, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IOException("Expected " + List.of(line) + " to succeed, but: " + output);
        }
        return output;
    }
}
