package io.kmodfleet.store.standing;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.wire.FleetJson;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LedgerNewsTest {

    @Test
    void the_package_that_an_entry_is_about_is_asked_for() {
        BuildTarget target =
                new BuildTarget(Samples.digest("source"), "x86_64", "6.1.0-56-amd64", Samples.digest("image"));
        Envelope envelope = new Envelope(
                Envelope.OPERATOR,
                1,
                1,
                Samples.AT,
                new Observation.PackageRecalled("anna", target, Samples.digest("package"), "it panics"));

        assertThat(named(FleetJson.write(Map.of("position", 7, "envelope", envelope))))
                .containsExactly(Samples.digest("package"));
    }

    @Test
    void what_is_no_entry_is_passed_over() {
        assertThat(named("{")).isEmpty();
        assertThat(named("[]")).isEmpty();
        assertThat(named("{\"envelope\":{\"observation\":{\"packageDigest\":\"nonsense\"}}}"))
                .isEmpty();
    }

    private static Set<Digest> named(String line) {
        Set<Digest> named = new LinkedHashSet<>();
        LedgerNews.packagesIn(line.getBytes(StandardCharsets.UTF_8), named);
        return named;
    }
}
