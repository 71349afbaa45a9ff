package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * What was once read out of a file, for as long as that file stays what it is. Who looks every half minute must not read
 * everything every half minute.
 */
final class ReadOnce<T> {

    private final Map<Path, Known<T>> known;

    /**
     * What tells one state of a file from the next. The change time is set by the kernel alone, so it tells even where somebody
     * put size and modification time back.
     */
    record Mark(long inode, long size, String modifiedAt, String changedAt) {

        static Mark of(Path file) throws IOException {
            Map<String, Object> attributes = Files.readAttributes(file, "unix:ino,size,lastModifiedTime,ctime");
            return new Mark(
                    (Long) attributes.get("ino"),
                    (Long) attributes.get("size"),
                    attributes.get("lastModifiedTime").toString(),
                    attributes.get("ctime").toString());
        }
    }

    record Known<T>(Mark mark, T content) {}

    interface Reader<T> {
        T read(Path file) throws IOException;
    }

    ReadOnce() {
        this(Map.of());
    }

    ReadOnce(Map<Path, Known<T>> known) {
        this.known = new HashMap<>(known);
    }

    T get(Path file, Reader<T> reader) throws IOException {
        // The mark first: a file that changes while it is read is read again.
        Mark mark = Mark.of(file);
        Known<T> last = known.get(file);
        if (last == null || !last.mark().equals(mark)) {
            last = new Known<>(mark, reader.read(file));
            known.put(file, last);
        }
        return last.content();
    }

    void forgetVanished() {
        known.keySet().removeIf(Files::notExists);
    }

    Map<Path, Known<T>> known() {
        return Map.copyOf(known);
    }
}
