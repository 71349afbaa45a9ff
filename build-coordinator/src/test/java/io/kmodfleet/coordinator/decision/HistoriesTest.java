package io.kmodfleet.coordinator.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Reason;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Fleets that behave as fleets do. Longer: {@code -Dkmodfleet.fleets=N -Dkmodfleet.entries=N}; again:
 * {@code -Dkmodfleet.seed=S}.
 */
class HistoriesTest {

    private static final int FLEETS = Integer.getInteger("kmodfleet.fleets", 1_000);
    private static final int ENTRIES = Integer.getInteger("kmodfleet.entries", 10_000);
    private static final long SEED = Long.getLong("kmodfleet.seed", new Random().nextLong());

    @Test
    void in_any_history_of_a_small_fleet_what_must_hold_holds_and_in_the_end_everybody_has_an_answer() {
        System.out.printf("fleets: seed %d%n", SEED);
        Set<Reason> reasons = EnumSet.noneOf(Reason.class);
        for (int i = 0; i < FLEETS; i++) {
            Simulation fleet = new Simulation(SEED + i);
            fleet.play(100);
            fleet.ledger().forEach(entry -> entry.decisions().forEach(decision -> reasons.add(decision.reason())));
            if (i < 4) {
                Recorder.add("fleet-" + i, fleet.ledger());
            }
        }
        if (FLEETS >= 300) {
            assertThat(reasons).as("what must hold was put to the test").contains(Reason.HELD, Reason.BUILDS_DIFFER);
        }
    }

    @Test
    void in_a_long_history_too() {
        assertThat(new Simulation(SEED).play(ENTRIES)).isGreaterThanOrEqualTo(ENTRIES);
    }
}
