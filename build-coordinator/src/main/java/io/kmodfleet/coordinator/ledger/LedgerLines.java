package io.kmodfleet.coordinator.ledger;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.ObjectReader;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;

/**
 * A ledger as text: JSON Lines in UTF-8, one entry a line, plain or compressed with gzip. What cannot be read is a line like
 * every other, with what was expected and what came; reading goes on behind it.
 */
public final class LedgerLines {

    /** The longest line that is read, in bytes: one policy published to a million hosts stays below. */
    static final int LONGEST = 1 << 29;

    private static final ObjectReader ENTRY = FleetJson.mapper().readerFor(LedgerEntry.class);

    private LedgerLines() {}

    /** One line of a ledger. */
    public sealed interface Line {

        /** From 1. */
        long number();

        /**
         * @param link what the entry's link has to be by its content and by the link before it; absent where the entry has none,
         *     or the entry before it was not read just before
         */
        record Read(long number, LedgerEntry entry, Optional<Digest> link) implements Line {}

        /** @param position where it stands in the ledger, as far as that could be read */
        record Unreadable(long number, OptionalLong position, String what) implements Line {}

        /** The text ends here, in the middle of something. Nothing comes after it. */
        record CutOff(long number, String what) implements Line {}
    }

    /** The line of an entry, with the line feed that ends it. */
    public static byte[] write(LedgerEntry entry) {
        byte[] json = FleetJson.writeBytes(entry);
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        return line;
    }

    /** A file to write lines to; compressed where its name ends in {@code .gz}. */
    public static OutputStream create(Path file) throws IOException {
        OutputStream plain = Files.newOutputStream(file);
        return file.toString().endsWith(".gz") ? new GZIPOutputStream(plain, 1 << 16) : plain;
    }

    /** Reads a file, compressed or not, whatever its name. */
    public static Reader open(Path file) throws IOException {
        InputStream plain = Files.newInputStream(file);
        try {
            return read(plain);
        } catch (IOException e) {
            plain.close();
            throw e;
        }
    }

    /** Reads a stream, compressed or not. */
    public static Reader read(InputStream bytes) throws IOException {
        BufferedInputStream buffered = new BufferedInputStream(bytes, 1 << 16);
        buffered.mark(2);
        boolean gzip = buffered.read() == 0x1f && buffered.read() == 0x8b;
        buffered.reset();
        if (!gzip) {
            return new Reader(buffered);
        }
        try {
            return new Reader(new GZIPInputStream(buffered, 1 << 16));
        } catch (EOFException e) {
            return new Reader(new BrokenOff(buffered));
        }
    }

    /** Reads entries that come one by one, as on the ledger topic. */
    public static final class Parser {
        private long position;
        private Optional<Digest> link = Optional.empty();
        private boolean chained;

        public Line parse(byte[] bytes, long number) {
            return parse(bytes, 0, bytes.length, number);
        }

        private Line parse(byte[] bytes, int from, int length, long number) {
            try {
                LedgerEntry entry = ENTRY.readValue(bytes, from, length);
                if (entry == null || entry.envelope() == null || entry.takenAt() == null || entry.position() < 1) {
                    return unreadable(bytes, from, length, number, "a part of it is missing");
                }
                return new Line.Read(number, entry, linkOf(entry, bytes, from, length));
            } catch (JsonProcessingException e) {
                return unreadable(bytes, from, length, number, reasonOf(e));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private Optional<Digest> linkOf(LedgerEntry entry, byte[] bytes, int from, int length) {
            Optional<Digest> previous = link;
            // A row that has no link among rows that have one says nothing about the next.
            boolean previousKnown = entry.position() == position + 1 && (previous.isPresent() || !chained);
            chained |= entry.chain().isPresent();
            position = entry.position();
            link = entry.chain();
            if (entry.chain().isEmpty() || !previousKnown) {
                return Optional.empty();
            }
            RawJson line = new RawJson(bytes, from, from + length);
            return Optional.of(LedgerChain.next(
                    previous,
                    entry.position(),
                    entry.takenAt(),
                    entry.envelope().source(),
                    entry.envelope().epoch(),
                    entry.envelope().sequence(),
                    entry.envelope().at(),
                    entry.rules(),
                    line.member("envelope").member("observation").toString(),
                    line.member("decisions").toString()));
        }
    }

    /** A value of a valid JSON text, byte for byte as it stands there. */
    private record RawJson(byte[] bytes, int from, int to) {

        /** The value of a member of this object. */
        RawJson member(String name) {
            int i = skipSpace(from) + 1;
            while (true) {
                i = skipSpace(i);
                if (i >= to || bytes[i] != '"') {
                    throw new IllegalArgumentException("Expected a member '" + name + "', but there is none");
                }
                int end = skipString(i);
                boolean found = name.equals(new String(bytes, i + 1, end - i - 2, StandardCharsets.UTF_8));
                int value = skipSpace(skipSpace(end) + 1);
                int after = skipValue(value);
                if (found) {
                    return new RawJson(bytes, value, after);
                }
                // Behind the comma.
                i = skipSpace(after) + 1;
            }
        }

        @Override
        public String toString() {
            return new String(bytes, from, to - from, StandardCharsets.UTF_8);
        }

        private int skipSpace(int start) {
            int i = start;
            while (i < to && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n')) {
                i++;
            }
            return i;
        }

        private int skipString(int start) {
            int i = start + 1;
            while (bytes[i] != '"') {
                i += bytes[i] == '\\' ? 2 : 1;
            }
            return i + 1;
        }

        private int skipValue(int start) {
            int i = start;
            int depth = 0;
            while (i < to) {
                byte at = bytes[i];
                if (at == '"') {
                    i = skipString(i);
                } else if (at == '{' || at == '[') {
                    depth++;
                    i++;
                } else if (at == '}' || at == ']') {
                    if (depth == 0) {
                        return i;
                    }
                    depth--;
                    i++;
                } else if (depth == 0 && (at == ',' || at <= ' ')) {
                    return i;
                } else {
                    i++;
                    continue;
                }
                if (depth == 0) {
                    return i;
                }
            }
            return i;
        }
    }

    private static Line unreadable(byte[] bytes, int from, int length, long number, String reason) {
        return new Line.Unreadable(
                number, positionOf(bytes, from, length), "line " + number + ": Expected a ledger entry, but " + reason);
    }

    /** The position stands first, so it is read even where what follows is broken. */
    private static OptionalLong positionOf(byte[] bytes, int from, int length) {
        try (JsonParser parser = FleetJson.mapper().createParser(bytes, from, length)) {
            boolean first = parser.nextToken() == JsonToken.START_OBJECT
                    && "position".equals(parser.nextFieldName())
                    && parser.nextToken() == JsonToken.VALUE_NUMBER_INT;
            long position = first ? parser.getLongValue() : 0;
            return position > 0 ? OptionalLong.of(position) : OptionalLong.empty();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    private static String reasonOf(JsonProcessingException e) {
        Throwable cause = e.getCause();
        boolean ours = cause instanceof IllegalArgumentException || cause instanceof NullPointerException;
        String text = String.valueOf(ours ? cause.getMessage() : e.getOriginalMessage());
        String what = e instanceof JsonEOFException
                ? "it ends in the middle"
                : e instanceof JsonParseException ? "it is no JSON: " + text : text;
        int end = what.indexOf('\n');
        return end < 0 ? what : what.substring(0, end);
    }

    /** Stands for a gzip stream that ends within its own header. */
    private static final class BrokenOff extends InputStream {
        private final InputStream stream;

        BrokenOff(InputStream stream) {
            this.stream = stream;
        }

        @Override
        public int read() throws IOException {
            throw new EOFException();
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }
    }

    /** Line after line, in memory for one line. Failures of the device are {@link UncheckedIOException}s. */
    public static final class Reader implements Iterator<Line>, Closeable {
        private final InputStream stream;
        private final Parser parser = new Parser();
        private byte[] buffer = new byte[1 << 18];
        private int start;
        private int end;
        private long number;
        private String damage;
        private boolean ended;
        private Line next;

        private Reader(InputStream stream) {
            this.stream = stream;
        }

        @Override
        public boolean hasNext() {
            if (next == null && !ended) {
                next = advance();
            }
            return next != null;
        }

        @Override
        public Line next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Line line = next;
            next = null;
            return line;
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }

        private Line advance() {
            int searched = start;
            while (true) {
                for (int i = searched; i < end; i++) {
                    if (buffer[i] == '\n') {
                        int from = start;
                        start = i + 1;
                        number++;
                        if (i > from) {
                            return parser.parse(buffer, from, i - from, number);
                        }
                    }
                }
                int known = end - start;
                if (!fill()) {
                    return last();
                }
                searched = start + known;
            }
        }

        /** Whether there was more. */
        private boolean fill() {
            if (start > 0) {
                System.arraycopy(buffer, start, buffer, 0, end - start);
                end -= start;
                start = 0;
            }
            if (end == buffer.length) {
                if (buffer.length >= LONGEST) {
                    damage = "this one is longer than " + LONGEST + " bytes";
                    return false;
                }
                buffer = Arrays.copyOf(buffer, buffer.length * 2);
            }
            try {
                int read = stream.read(buffer, end, buffer.length - end);
                end += Math.max(0, read);
                return read >= 0;
            } catch (EOFException e) {
                damage = "the compressed file ends in the middle";
            } catch (ZipException e) {
                damage = "the compressed file is damaged here (" + e.getMessage() + ")";
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return false;
        }

        /** What stands behind the last line feed. */
        private Line last() {
            ended = true;
            number++;
            if (damage != null) {
                return new Line.CutOff(number, "line " + number + ": Expected a line, but " + damage);
            }
            if (start == end) {
                return null;
            }
            Line line = parser.parse(buffer, start, end - start, number);
            return line instanceof Line.Unreadable
                    ? new Line.CutOff(
                            number, "line " + number + ": Expected a whole line, but the file ends in the middle of it")
                    : line;
        }
    }
}
