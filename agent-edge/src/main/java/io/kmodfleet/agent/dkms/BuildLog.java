package io.kmodfleet.agent.dkms;

import io.kmodfleet.contracts.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * What a build says, as it says it: told line by line to whoever listens, and kept afterwards; of each target the last few, and
 * never more than a bounded number of bytes.
 */
public final class BuildLog {

    private static final Logger LOG = Logger.getLogger(BuildLog.class);
    private static final int MOST_BYTES = 16 * 1024 * 1024;
    private static final int KEPT_OF_EACH = 5;
    private static final long KEPT_BYTES = 64L * 1024 * 1024;
    private static final long PAUSE_MILLIS = 150;
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private final Path file;
    private final Path kept;
    private final Consumer<String> listener;
    private boolean followed;

    /**
     * @param state of the agent
     * @param listener gets every line, in a thread of its own
     */
    public BuildLog(Path state, Consumer<String> listener) {
        this.file = state.resolve("build.log");
        this.kept = state.resolve("build-logs");
        this.listener = listener;
    }

    /** Of the build that runs, or of the last one. */
    public Path file() {
        return file;
    }

    public void begin() throws IOException {
        Files.createDirectories(file.getParent());
        Files.deleteIfExists(file);
    }

    void note(String action) throws IOException {
        add("==> " + action + "\n");
        if (!followed) {
            listener.accept("==> " + action);
        }
    }

    /** Adds what was told already. */
    void add(String text) throws IOException {
        Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** As it may leave the host: without what looks like a secret. */
    byte[] bytes() throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            // An encoding that loses no byte: compilers quote sources in any.
            String text = new String(in.readNBytes(MOST_BYTES), StandardCharsets.ISO_8859_1);
            return Redaction.text(text).getBytes(StandardCharsets.ISO_8859_1);
        }
    }

    Digest digest() throws IOException {
        return Digest.of(bytes());
    }

    /** Tells the lines of these files as they come, until closed; what stands in the log already is not told again. */
    Closeable following(List<Path> others) throws IOException {
        long from = Files.exists(file) ? Files.size(file) : 0;
        List<Path> files = new ArrayList<>(others);
        files.add(0, file);
        followed = true;
        return new Follower(files, Map.of(file, from));
    }

    /** Keeps it under the name of what was built. */
    void keep(String target, Instant at) {
        try {
            Files.createDirectories(kept);
            Files.write(kept.resolve(target + "." + STAMP.format(at) + ".log"), bytes());
            forgetOld(target);
        } catch (IOException e) {
            LOG.warnf("build log not kept error=%s", e);
        }
    }

    private void forgetOld(String target) throws IOException {
        List<Path> newest;
        try (Stream<Path> files = Files.list(kept)) {
            newest = files.sorted(Comparator.comparing(BuildLog::stampOf).reversed())
                    .toList();
        }
        int same = 0;
        long bytes = 0;
        for (Path log : newest) {
            bytes += Files.size(log);
            boolean ofTarget = log.getFileName().toString().startsWith(target + ".");
            same += ofTarget ? 1 : 0;
            if (ofTarget && same > KEPT_OF_EACH || bytes > KEPT_BYTES) {
                Files.delete(log);
            }
        }
    }

    private static String stampOf(Path log) {
        String name = log.getFileName().toString();
        int end = name.lastIndexOf('.');
        return end < 0 ? "" : name.substring(name.lastIndexOf('.', end - 1) + 1, end);
    }

    private final class Follower implements Closeable {
        private final List<Path> files;
        private final Map<Path, Long> from;
        private final Map<Path, FileChannel> open = new HashMap<>();
        private final Map<Path, StringBuilder> partial = new HashMap<>();
        private final Thread thread = new Thread(this::follow, "build-log");
        private volatile boolean ended;

        Follower(List<Path> files, Map<Path, Long> from) {
            this.files = files;
            this.from = from;
            thread.setDaemon(true);
            thread.start();
        }

        private void follow() {
            try {
                while (!ended) {
                    readAll();
                    Thread.sleep(PAUSE_MILLIS);
                }
                readAll();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                LOG.debugf("build log not followed error=%s", e);
            }
        }

        private void readAll() throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);
            for (Path path : files) {
                FileChannel channel = open.get(path);
                if (channel == null) {
                    if (!Files.isRegularFile(path)) {
                        continue;
                    }
                    // A file that dkms moves away stays open, and goes on.
                    channel = FileChannel.open(path, StandardOpenOption.READ);
                    channel.position(from.getOrDefault(path, 0L));
                    open.put(path, channel);
                }
                StringBuilder text = partial.computeIfAbsent(path, any -> new StringBuilder());
                while (channel.read(buffer.clear()) > 0) {
                    text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
                }
                for (int end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
                    listener.accept(text.substring(0, end));
                    text.delete(0, end + 1);
                }
            }
        }

        @Override
        public void close() throws IOException {
            ended = true;
            followed = false;
            try {
                thread.join();
            } catch (InterruptedException e) {
                thread.interrupt();
                Thread.currentThread().interrupt();
            }
            for (FileChannel channel : open.values()) {
                channel.close();
            }
        }
    }
}
