package io.kmodfleet.coordinator.ledger;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One observation and what was decided on it.
 *
 * @param position from 1, without gaps
 * @param takenAt when the coordinator took it, by the coordinator's clock
 * @param rules version of the rules that decided
 * @param chain as {@link LedgerChain} has it; absent for what was written before there was a chain
 */
public record LedgerEntry(
        long position,
        Instant takenAt,
        Envelope envelope,
        List<Decision> decisions,
        int rules,
        Optional<Digest> chain) {

    @SuppressWarnings("OptionalAssignedToNull")
    public LedgerEntry {
        decisions = List.copyOf(decisions);
        // What JSON left out.
        chain = chain == null ? Optional.empty() : chain;
    }

    /** Outside a chain. */
    public LedgerEntry(long position, Instant takenAt, Envelope envelope, List<Decision> decisions, int rules) {
        this(position, takenAt, envelope, decisions, rules, Optional.empty());
    }

    /** The same as the next link of a chain. */
    public LedgerEntry chainedTo(Optional<Digest> previous) {
        return new LedgerEntry(
                position, takenAt, envelope, decisions, rules, Optional.of(LedgerChain.next(previous, this)));
    }
}
