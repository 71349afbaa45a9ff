/**
 * Proof after the fact: the ledger decided again, held against what was recorded and against what was published; its state at
 * any moment; and what another policy would have made of it. All of it are folds over ledger entries, with the coordinator's own
 * rules, and run wherever the entries are.
 *
 * <p>But for the resource that hands the entries out, it must not know Quarkus, Kafka or the database: an auditor runs it far from
 * the coordinator.
 */
package io.kmodfleet.coordinator.audit;
