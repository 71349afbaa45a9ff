package io.kmodfleet.coordinator.audit;

import io.kmodfleet.contracts.Digest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an audit came to.
 *
 * @param first first and last position that was audited; absent where there was none
 * @param takenFirst when these two were taken
 * @param entries how many were audited, each once
 * @param decisions how many decisions are recorded in them
 * @param decidedAgain how many of these entries were decided again
 * @param rules how many were decided by which version of the rules
 * @param before entries before the range: folded, so that the state is known, and not audited
 * @param repeats entries that came more than once with the same content, as they may on a topic
 * @param counts how many findings there are of each kind
 * @param findings the first of them; {@code counts} counts all
 * @param wrong how many of all findings say that something is wrong
 * @param chain the link of the last entry, to be held against what somebody noted down elsewhere
 * @param state digest of the state after the last entry, where that is certain
 * @param completeness how the ledger compares with what was published, where that was asked for
 */
public record AuditReport(
        Optional<Long> first,
        Optional<Long> last,
        Optional<Instant> takenFirst,
        Optional<Instant> takenLast,
        long entries,
        long decisions,
        long decidedAgain,
        Map<Integer, Long> rules,
        long before,
        long repeats,
        Map<String, Long> counts,
        List<Finding> findings,
        long wrong,
        Optional<Digest> chain,
        Optional<Digest> state,
        Optional<Completeness.Sum> completeness) {}
