package io.kmodfleet.coordinator.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * What ties the ledger's rows together: each row's digest goes over its content and over the digest of the row before it. Who
 * changes, takes out or puts in a row has to change every later one, and everybody who has seen one of those notices.
 *
 * <p>The digest is the SHA-256 of ten netstrings ({@code <length in bytes>:<bytes>,}), one after the other: the digest of the
 * row before ({@code sha256:…}, empty for the first), position, taken at, source, epoch, sequence, observed at, rules,
 * observation, decisions. Text is UTF-8; numbers are decimal; times are microseconds since 1970 (what PostgreSQL keeps);
 * observation and decisions are the JSON as it stands in the ledger, byte for byte.
 */
public final class LedgerChain {

    private static final ObjectWriter DECISIONS = FleetJson.mapper().writerFor(new TypeReference<List<Decision>>() {});

    private LedgerChain() {}

    /** The digest of an entry whose JSON is what {@link FleetJson} makes of it. */
    public static Digest next(Optional<Digest> previous, LedgerEntry entry) {
        Envelope envelope = entry.envelope();
        return next(
                previous,
                entry.position(),
                entry.takenAt(),
                envelope.source(),
                envelope.epoch(),
                envelope.sequence(),
                envelope.at(),
                entry.rules(),
                FleetJson.write(envelope.observation()),
                decisionsText(entry.decisions()));
    }

    /** The digest of a row of the ledger as it stands there. */
    public static Digest next(
            Optional<Digest> previous,
            long position,
            Instant takenAt,
            String source,
            long epoch,
            long sequence,
            Instant observedAt,
            int rules,
            String observation,
            String decisions) {
        MessageDigest digest = Digest.sha256();
        add(digest, previous.map(Digest::toString).orElse(""));
        add(digest, Long.toString(position));
        add(digest, Long.toString(micros(takenAt)));
        add(digest, source);
        add(digest, Long.toString(epoch));
        add(digest, Long.toString(sequence));
        add(digest, Long.toString(micros(observedAt)));
        add(digest, Integer.toString(rules));
        add(digest, observation);
        add(digest, decisions);
        return Digest.of(digest);
    }

    /** The decisions of one entry as they stand in the ledger: a JSON array, {@code []} where there are none. */
    public static String decisionsText(List<Decision> decisions) {
        try {
            return DECISIONS.writeValueAsString(decisions);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected decisions to be writable as JSON", e);
        }
    }

    private static long micros(Instant instant) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    }

    private static void add(MessageDigest digest, String field) {
        byte[] bytes = field.getBytes(StandardCharsets.UTF_8);
        digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
        digest.update(bytes);
        digest.update((byte) ',');
    }
}
