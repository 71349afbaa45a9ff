package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;

/** A decision that has no place in the ledger yet. */
interface Draft {

    Decision with(DecisionId id);
}
