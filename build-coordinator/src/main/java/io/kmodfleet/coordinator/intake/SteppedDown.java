package io.kmodfleet.coordinator.intake;

/** This coordinator is not the active one any more. */
final class SteppedDown extends RuntimeException {
    SteppedDown(String message) {
        super(message);
    }
}
