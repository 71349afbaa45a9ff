package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A module source: a DKMS-conformant tree with {@code dkms.conf} at its root, as {@code <module>-<version>-source.tar.gz}.
 *
 * @param digest SHA-256 of the archive
 * @param conf what its {@code dkms.conf} says
 * @param files every file, with paths relative to the root
 */
public record SourcePackage(Digest digest, DkmsConf conf, List<SourceFile> files) {

    /** Largest archive, in bytes. */
    public static final int MAX_BYTES = 32 * 1024 * 1024;

    /** Most bytes of all its files. */
    public static final int MAX_EXPANDED = 128 * 1024 * 1024;

    /** @param path relative, with slashes, without {@code .} and {@code ..} */
    public record SourceFile(String path, byte[] bytes, boolean program) {}

    /** The archive of these files: the same files give the same bytes, whatever order they come in. */
    public static byte[] write(List<SourceFile> files) {
        return TarGz.write(files.stream()
                .sorted(Comparator.comparing(SourceFile::path))
                .map(file -> new TarGz.Member(file.path(), file.bytes(), file.program()))
                .toList());
    }

    /** Reads an archive whose {@code dkms.conf} lies at its root. */
    public static SourcePackage read(byte[] archive) throws Refusal {
        if (archive.length > MAX_BYTES) {
            throw new Refusal(
                    Rule.TOO_LARGE,
                    "Expected a source package of at most " + MAX_BYTES + " bytes, but it has " + archive.length);
        }
        List<SourceFile> files = TarGz.read(archive, MAX_EXPANDED).stream()
                .map(member -> new SourceFile(stripped(member.name()), member.bytes(), member.program()))
                .toList();
        Set<String> seen = new TreeSet<>();
        for (SourceFile file : files) {
            checkPath(file.path());
            if (!seen.add(file.path())) {
                throw new Refusal(
                        Rule.WRONG_MEMBERS, "Expected every file once, but '" + file.path() + "' stands twice");
            }
        }
        byte[] conf = confOf(files)
                .orElseThrow(() -> new Refusal(
                        Rule.BAD_DKMS_CONF, "Expected dkms.conf at the root of the source package, but there is none"));
        return new SourcePackage(Digest.of(archive), DkmsConf.parse(new String(conf, StandardCharsets.UTF_8)), files);
    }

    /** Its {@code dkms.conf}, byte for byte. */
    public byte[] confBytes() {
        return confOf(files).orElseThrow();
    }

    /** {@code <module>-<version>-source.tar.gz}. */
    public String fileName() {
        return conf.name() + "-" + conf.version() + "-source.tar.gz";
    }

    private static Optional<byte[]> confOf(List<SourceFile> files) {
        return files.stream()
                .filter(file -> file.path().equals("dkms.conf"))
                .findFirst()
                .map(SourceFile::bytes);
    }

    private static String stripped(String name) {
        return name.startsWith("./") ? name.substring(2) : name;
    }

    private static void checkPath(String path) throws Refusal {
        boolean escapes = path.isEmpty()
                || path.startsWith("/")
                || List.of(path.split("/", -1)).stream()
                        .anyMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (escapes || path.chars().anyMatch(Character::isISOControl)) {
            throw new Refusal(
                    Rule.WRONG_MEMBERS,
                    "Expected relative paths inside the source tree, but there is '"
                            + path.replaceAll("\\p{Cntrl}", "?") + "'");
        }
    }
}
