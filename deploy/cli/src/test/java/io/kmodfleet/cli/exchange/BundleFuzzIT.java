package io.kmodfleet.cli.exchange;

import io.kmodfleet.contracts.fuzz.Fuzzing;
import org.junit.jupiter.api.Test;

/** For a few seconds; {@code deploy/fuzz} takes longer. */
class BundleFuzzIT {

    @Test
    void whatever_bytes_come_they_are_a_bundle_or_damaged_soon_and_in_little_memory() throws Exception {
        Fuzzing.run(Bundles.class);
    }
}
