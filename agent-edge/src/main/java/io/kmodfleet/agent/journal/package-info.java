/** Observations on disk until the ledger has them. Knows nothing of Kafka. */
package io.kmodfleet.agent.journal;
