package io.kmodfleet.store.retention;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Samples;
import io.kmodfleet.store.catalogue.State;
import io.kmodfleet.store.retention.Verdict.Candidate;
import io.kmodfleet.store.retention.Verdict.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VerdictTest {

    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final Instant LONG_AGO = NOW.minus(Duration.ofDays(100));

    @Test
    void an_old_version_for_a_kernel_that_nobody_has_goes() {
        Verdict verdict = on(candidate("1.0", LONG_AGO, State.PROVEN, 0, 0));

        assertThat(verdict)
                .isEqualTo(new Verdict(
                        true, Reason.OUTDATED, "no host has its kernel, and 2 later versions of toy were published"));
    }

    @Test
    void what_a_host_has_or_will_get_stays_whatever_else() {
        for (State state : State.values()) {
            Verdict verdict = on(candidate("1.0", LONG_AGO, state, 1, 0));

            assertThat(verdict)
                    .as("%s", state)
                    .isEqualTo(new Verdict(false, Reason.ON_HOSTS, "1 host has it or will get it"));
        }
    }

    @Test
    void what_a_host_could_boot_stays() {
        assertThat(on(candidate("1.0", LONG_AGO, State.CANDIDATE, 0, 2)))
                .isEqualTo(new Verdict(false, Reason.KERNEL_IN_USE, "2 hosts have the kernel it was built for"));
    }

    @Test
    void the_last_versions_stay() {
        assertThat(on(candidate("1.2", LONG_AGO, State.PROVEN, 0, 0)).reason()).isEqualTo(Reason.RECENT_VERSION);
        assertThat(on(candidate("1.1", LONG_AGO, State.PROVEN, 0, 0)).reason()).isEqualTo(Reason.RECENT_VERSION);
        assertThat(on(candidate("unheard of", LONG_AGO, State.PROVEN, 0, 0)).reason())
                .isEqualTo(Reason.RECENT_VERSION);
    }

    @Test
    void what_is_young_stays_even_if_it_was_recalled() {
        Instant yesterday = NOW.minus(Duration.ofDays(1));

        assertThat(on(candidate("1.0", yesterday, State.RECALLED, 0, 0)))
                .isEqualTo(new Verdict(false, Reason.YOUNG, "it came less than 30 days ago"));
    }

    @Test
    void what_was_recalled_goes_though_its_kernel_is_in_use_and_its_version_the_last() {
        assertThat(on(candidate("1.2", LONG_AGO, State.RECALLED, 0, 5)).goes()).isTrue();
    }

    @Test
    void a_pin_is_stronger_than_everything() {
        Candidate pinned = new Candidate(
                Samples.digest("one"), "toy", "1.0", LONG_AGO, State.RECALLED, Optional.of("anna: evidence"), 0, 0);

        assertThat(on(pinned)).isEqualTo(new Verdict(false, Reason.PINNED, "anna: evidence"));
    }

    private static Candidate candidate(String version, Instant storedAt, State state, int hosts, int kernels) {
        return new Candidate(Samples.digest("one"), "toy", version, storedAt, state, Optional.empty(), hosts, kernels);
    }

    private static Verdict on(Candidate candidate) {
        return Verdict.on(candidate, List.of("1.2", "1.1", "1.0"), 2, Duration.ofDays(30), NOW);
    }
}
