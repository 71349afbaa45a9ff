package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;

/** What the running kernel shows of its modules in {@code /sys/module}. The name alone may be another build's. */
final class LoadedModules {

    private static final int NOTE_HEADER = 12;
    private static final int BUILD_ID = 3;

    private final HostRoot root;

    LoadedModules(HostRoot root) {
        this.root = root;
    }

    /**
     * Whether the loaded module of that name is made of that file: what the kernel shows of it, source version and build-id, is
     * the file's. A kernel that shows neither leaves it open, which is no.
     */
    boolean isFrom(String name, Optional<String> srcversion, Optional<String> buildId) {
        Path module = root.at("/sys/module/" + name);
        Optional<String> shownVersion = text(module.resolve("srcversion"));
        Optional<String> shownId = buildIdIn(module.resolve("notes/.note.gnu.build-id"));
        boolean versions = shownVersion.isPresent() && srcversion.isPresent();
        boolean ids = shownId.isPresent() && buildId.isPresent();
        return (versions || ids) && (!versions || shownVersion.equals(srcversion)) && (!ids || shownId.equals(buildId));
    }

    /** How many use it; absent where it is not loaded, or built into the kernel. */
    Optional<Integer> users(String name) {
        return text(root.at("/sys/module/" + name).resolve("refcnt"))
                .filter(count -> count.matches("-?\\d{1,9}"))
                .map(Integer::valueOf);
    }

    boolean isLoaded(String name) {
        return Files.isDirectory(root.at("/sys/module/" + name));
    }

    private static Optional<String> text(Path file) {
        try {
            return Optional.of(Files.readString(file).strip()).filter(text -> !text.isEmpty());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The note {@code GNU}, type 3, of a file of notes (elf(5), Nhdr). */
    static Optional<String> buildIdIn(Path file) {
        try {
            ByteBuffer notes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
            while (notes.remaining() >= NOTE_HEADER) {
                int nameSize = notes.getInt();
                int size = notes.getInt();
                int type = notes.getInt();
                if (nameSize < 0 || size < 0 || (long) nameSize + size > notes.remaining()) {
                    return Optional.empty();
                }
                byte[] name = new byte[nameSize];
                notes.get(name);
                notes.position(notes.position() + 3 & ~3);
                byte[] content = new byte[size];
                notes.get(content);
                notes.position(Math.min(notes.limit(), notes.position() + 3 & ~3));
                if (type == BUILD_ID && new String(name, StandardCharsets.US_ASCII).equals("GNU\0")) {
                    return Optional.of(HexFormat.of().formatHex(content));
                }
            }
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
        return Optional.empty();
    }
}
