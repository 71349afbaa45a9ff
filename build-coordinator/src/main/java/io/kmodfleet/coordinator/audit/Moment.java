package io.kmodfleet.coordinator.audit;

import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/** A place in the ledger: after an entry, or at an instant by the coordinator's clock. */
public record Moment(Optional<Long> position, Optional<Instant> instant) {

    /** After everything that is there. */
    public static final Moment END = new Moment(Optional.empty(), Optional.empty());

    /** @throws IllegalArgumentException for a text that is neither */
    public static Moment parse(String text) {
        try {
            if (text.matches("\\d{1,18}")) {
                return new Moment(Optional.of(Long.parseLong(text)), Optional.empty());
            }
            return new Moment(Optional.empty(), Optional.of(Instant.parse(text)));
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(
                    "Expected a ledger position like 17 or an instant like 2026-11-24T03:00:00Z, but got '" + text
                            + "'");
        }
    }

    public boolean isBefore(LedgerEntry entry) {
        return position.map(last -> entry.position() > last).orElse(false)
                || instant.map(last -> entry.takenAt().isAfter(last)).orElse(false);
    }
}
