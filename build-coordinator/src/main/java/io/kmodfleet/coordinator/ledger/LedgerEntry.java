package io.kmodfleet.coordinator.ledger;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Envelope;
import java.time.Instant;
import java.util.List;

/**
 * One observation and what was decided on it.
 *
 * @param position from 1, without gaps
 * @param takenAt when the coordinator took it, by the coordinator's clock
 * @param rules version of the rules that decided
 */
public record LedgerEntry(long position, Instant takenAt, Envelope envelope, List<Decision> decisions, int rules) {}
