package io.kmodfleet.coordinator.ledger;

/** Another coordinator wrote the position that this one was about to write. */
public final class LostRace extends RuntimeException {
    LostRace(long position, Throwable cause) {
        super("Expected to be the only writer of the ledger, but position " + position + " is taken", cause);
    }
}
