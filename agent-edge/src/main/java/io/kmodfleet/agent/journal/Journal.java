package io.kmodfleet.agent.journal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.TraceContext;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * What this host has observed and the ledger has not acknowledged, in order, numbered.
 *
 * <p>One file of lines, each {@code <CRC-32 of the rest, 8 hex digits> <JSON>}; the first line says how the counting stands, each
 * other line is an observation. A line is on disk before its observation is sent. A line that a power cut tore is cut off: it
 * was never sent. A whole line that is damaged may have been sent, so its number must not be used again: the counting starts anew.
 * When everything is acknowledged the file starts again, by rename.
 *
 * <p>It is bounded. Where it grows beyond that, because nobody acknowledged for weeks, reports that later ones replace are dropped,
 * and the counting starts anew, for a gap would be waited for. Results of work are never dropped.
 */
public final class Journal implements AutoCloseable {

    /** Observations that wait, beyond which what is superseded is dropped. */
    static final int CROWDED = 5_000;

    /** Bytes on disk, beyond which what is superseded is dropped; what waits is in memory too. */
    static final long CROWDED_BYTES = 4L * 1024 * 1024;

    private final Path file;
    private final HostId host;
    private final List<Entry> waiting = new ArrayList<>();
    private FileChannel channel;
    private Counting counting;

    private record Counting(long epoch, long next) {}

    /** @param trace which it belongs to; absent in what was written before there were any */
    public record Entry(Envelope envelope, Optional<TraceContext> trace) {}

    private Journal(Path file, HostId host) {
        this.file = file;
        this.host = host;
    }

    /** Opens the journal in that directory, or begins one. */
    public static Journal open(Path directory, HostId host, Instant now) throws IOException {
        Files.createDirectories(directory);
        Journal journal = new Journal(directory.resolve("journal"), host);
        journal.load(now);
        return journal;
    }

    /** Numbers it and writes it to disk. */
    public Envelope append(Observation observation, Instant at) throws IOException {
        return append(observation, at, Optional.empty());
    }

    /** Numbers it and writes it to disk, with the trace that it belongs to. */
    public Envelope append(Observation observation, Instant at, Optional<TraceContext> trace) throws IOException {
        if (isCrowded() && supersedesSome(observation)) {
            dropSuperseded(observation, at);
        }
        Envelope envelope = new Envelope(host.value(), counting.epoch, counting.next, at, observation);
        Entry entry = new Entry(envelope, trace);
        write(line(bytesOf(entry)));
        counting = new Counting(counting.epoch, counting.next + 1);
        waiting.add(entry);
        return envelope;
    }

    /** Forgets what the ledger has. */
    public void acknowledge(long epoch, long sequence) throws IOException {
        if (epoch != counting.epoch || waiting.isEmpty()) {
            return;
        }
        waiting.removeIf(entry -> entry.envelope().sequence() <= sequence);
        if (waiting.isEmpty()) {
            begin(counting);
        }
    }

    /**
     * Whether the ledger lacks observations that this journal has forgotten, or has some that it never made: one of them was set
     * back, and the counting must start anew.
     */
    public boolean contradicts(long epoch, long sequence) {
        long first =
                waiting.isEmpty() ? counting.next : waiting.get(0).envelope().sequence();
        return epoch == counting.epoch && (sequence < first - 1 || sequence >= counting.next);
    }

    /** Counts anew; what waited is forgotten, and the caller reports everything again. */
    public void startAnew(Instant now) throws IOException {
        waiting.clear();
        begin(new Counting(Math.max(now.toEpochMilli(), counting.epoch + 1), 1));
    }

    public List<Envelope> waiting() {
        return waiting.stream().map(Entry::envelope).toList();
    }

    /** The same with the traces that they belong to. */
    public List<Entry> entries() {
        return List.copyOf(waiting);
    }

    /** Of the counting that the last observations were numbered in. */
    public long epoch() {
        return counting.epoch;
    }

    private boolean isCrowded() throws IOException {
        return waiting.size() >= CROWDED || channel.size() >= CROWDED_BYTES;
    }

    private boolean supersedesSome(Observation newer) {
        return waiting.stream().anyMatch(entry -> isSuperseded(entry.envelope().observation(), newer));
    }

    /** A report of the host says everything that one before it said; so do exports of one kernel. */
    private static boolean isSuperseded(Observation older, Observation newer) {
        if (newer instanceof Observation.KernelExportsReported now
                && older instanceof Observation.KernelExportsReported then) {
            return then.release().equals(now.release()) && then.image().equals(now.image());
        }
        return newer instanceof Observation.HostReported && older instanceof Observation.HostReported;
    }

    /** In one file that takes the place of the other: a crash, or a full disk, leaves one of them whole. */
    private void dropSuperseded(Observation newer, Instant now) throws IOException {
        List<Entry> kept = new ArrayList<>();
        Counting next = new Counting(Math.max(now.toEpochMilli(), counting.epoch + 1), 1);
        for (Entry entry : waiting) {
            Envelope envelope = entry.envelope();
            if (!isSuperseded(envelope.observation(), newer)) {
                kept.add(new Entry(
                        new Envelope(host.value(), next.epoch, 1 + kept.size(), envelope.at(), envelope.observation()),
                        entry.trace()));
            }
        }
        begin(next, kept);
        waiting.clear();
        waiting.addAll(kept);
        counting = new Counting(next.epoch, 1 + kept.size());
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private void load(Instant now) throws IOException {
        byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
        int whole = 0;
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                if (!take(bytes, start, i)) {
                    break;
                }
                start = i + 1;
                whole = start;
            }
        }
        boolean damaged =
                new String(bytes, whole, bytes.length - whole, StandardCharsets.ISO_8859_1).indexOf('\n') >= 0;
        if (counting == null || damaged) {
            List<Entry> saved = List.copyOf(waiting);
            long last = counting == null ? 0 : counting.epoch;
            waiting.clear();
            begin(new Counting(Math.max(now.toEpochMilli(), last + 1), 1));
            for (Entry entry : saved) {
                append(entry.envelope().observation(), entry.envelope().at(), entry.trace());
            }
            return;
        }
        channel = FileChannel.open(file, StandardOpenOption.WRITE);
        channel.truncate(whole);
        channel.position(whole);
        channel.force(true);
    }

    private boolean take(byte[] bytes, int start, int end) {
        if (end - start < 10) {
            return false;
        }
        String sum = new String(bytes, start, 8, StandardCharsets.US_ASCII);
        byte[] json = java.util.Arrays.copyOfRange(bytes, start + 9, end);
        if (!sum.equals(checksum(json))) {
            return false;
        }
        try {
            if (counting == null) {
                counting = FleetJson.mapper().readValue(json, Counting.class);
                return true;
            }
            Entry entry = entryOf(json);
            waiting.add(entry);
            counting = new Counting(counting.epoch, entry.envelope().sequence() + 1);
            return true;
        } catch (JsonProcessingException e) {
            return false;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void begin(Counting from) throws IOException {
        begin(from, List.of());
    }

    private void begin(Counting from, List<Entry> first) throws IOException {
        Path fresh = file.resolveSibling("journal.new");
        try (FileChannel out = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            writeAll(out, line(FleetJson.writeBytes(from)));
            for (Entry entry : first) {
                writeAll(out, line(bytesOf(entry)));
            }
            out.force(true);
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel directory = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
            directory.force(true);
        }
        if (channel != null) {
            channel.close();
        }
        channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        counting = from;
    }

    private static void writeAll(FileChannel out, byte[] line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(line);
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private void write(byte[] line) throws IOException {
        long end = channel.size();
        try {
            writeAll(channel, line);
            channel.force(true);
        } catch (IOException e) {
            // A full disk must not leave half a line before the next whole one.
            channel.truncate(end);
            throw e;
        }
    }

    /** The trace stands beside what the envelope says. */
    private static byte[] bytesOf(Entry entry) {
        if (entry.trace().isEmpty()) {
            return FleetJson.writeBytes(entry.envelope());
        }
        ObjectNode tree = FleetJson.mapper().valueToTree(entry.envelope());
        return FleetJson.writeBytes(
                tree.put(TraceContext.HEADER, entry.trace().get().toString()));
    }

    private static Entry entryOf(byte[] json) throws IOException {
        JsonNode tree = FleetJson.mapper().readTree(json);
        JsonNode trace = tree instanceof ObjectNode object ? object.remove(TraceContext.HEADER) : null;
        return new Entry(
                FleetJson.mapper().treeToValue(tree, Envelope.class),
                trace == null ? Optional.empty() : TraceContext.read(trace.asText()));
    }

    private static byte[] line(byte[] json) {
        ByteArrayOutputStream line = new ByteArrayOutputStream(json.length + 10);
        line.writeBytes((checksum(json) + " ").getBytes(StandardCharsets.US_ASCII));
        line.writeBytes(json);
        line.write('\n');
        return line.toByteArray();
    }

    private static String checksum(byte[] json) {
        CRC32 sum = new CRC32();
        sum.update(json);
        return String.format("%08x", sum.getValue());
    }
}
