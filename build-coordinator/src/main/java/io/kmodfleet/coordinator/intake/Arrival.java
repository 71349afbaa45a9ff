package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import io.kmodfleet.contracts.wire.UnreadableEvent.Problem;
import io.kmodfleet.coordinator.ledger.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * A record of the observations topic, read.
 *
 * @param envelope the observation, where it is one
 * @param problem why it is none
 * @param trace which it belongs to; nothing is decided on it
 */
record Arrival(
        ConsumerRecord<byte[], byte[]> record,
        Optional<Envelope> envelope,
        Optional<UnreadableEvent> problem,
        Optional<TraceContext> trace) {

    private static final int EXCERPT = 200;

    static Arrival of(ConsumerRecord<byte[], byte[]> record) {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), header.value());
        }
        try {
            Envelope envelope = CloudEvents.readObservation(record.key(), record.value(), headers);
            return new Arrival(
                    record,
                    Optional.of(inMicros(envelope)),
                    Optional.empty(),
                    TraceContext.read(headers.get(TraceContext.HEADER)));
        } catch (UnreadableEvent e) {
            return new Arrival(record, Optional.empty(), Optional.of(e), Optional.empty());
        }
    }

    /** PostgreSQL keeps microseconds: what is decided on must be what is read back. */
    private static Envelope inMicros(Envelope read) {
        Instant at = read.at().truncatedTo(ChronoUnit.MICROS);
        return at.equals(read.at())
                ? read
                : new Envelope(read.source(), read.epoch(), read.sequence(), at, read.observation());
    }

    DeadLetter buried(Problem why, String detail, Instant now) {
        return new DeadLetter(
                record.topic(),
                record.partition(),
                record.offset(),
                why,
                printable(detail, 2 * EXCERPT),
                excerptOf(record.value()),
                now);
    }

    private static String excerptOf(byte[] value) {
        if (value == null) {
            return "";
        }
        return printable(new String(value, 0, Math.min(value.length, EXCERPT), StandardCharsets.UTF_8), EXCERPT);
    }

    /** PostgreSQL takes no NUL in a text, and a terminal no escape sequence from a stranger. */
    private static String printable(String text, int longest) {
        String cut = text.length() > longest ? text.substring(0, longest) + "…" : text;
        return cut.replaceAll("[\\p{Cntrl}\\p{Cs}]", "?");
    }
}
