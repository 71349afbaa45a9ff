package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Policy.Rollout;
import io.kmodfleet.contracts.Reason;
import java.util.List;
import java.util.Optional;

/**
 * How far the roll-out of a package is.
 *
 * @param number from 1; the last one is everybody
 * @param of how many there are
 * @param size hosts that may be told to install it by now
 * @param stopped whether more hosts failed than the policy lets
 */
record Wave(int number, int of, int size, boolean stopped) {

    /** @param population hosts that would get it in the end */
    static Wave of(Rollout rollout, PackageState offered, int population) {
        int number = 0;
        int size = 0;
        // A failure within what the policy lets does not hold up the others.
        int answered = offered.served().size() + offered.failures();
        do {
            number++;
            int percent = number <= rollout.waves().size() ? rollout.waves().get(number - 1) : 100;
            size = Math.max(1, (int) ((long) population * percent / 100));
        } while (number <= rollout.waves().size() && answered >= size);
        boolean stopped = (long) offered.failures() * 100 > (long) size * rollout.failurePercent();
        return new Wave(
                number, rollout.waves().size() + 1, number > rollout.waves().size() ? population : size, stopped);
    }

    /** @param reason why this host does not get it yet */
    record No(Reason reason, List<Fact> facts) {}

    /** Who was told already keeps its answer. */
    Optional<No> notYet(Question q, PackageState offered) {
        boolean toldAlready = offered.told().get(q.subject().host()).isPresent();
        if (toldAlready || !offered.isProven(q.module().proof())) {
            return Optional.empty();
        }
        if (stopped) {
            return Optional.of(new No(
                    Reason.ROLLOUT_STOPPED,
                    List.of(
                            Fact.of("package", offered.digest()),
                            Fact.of("failures", offered.failures()),
                            Fact.of("wave", number + " of " + of))));
        }
        return number == of || offered.told().size() < size
                ? Optional.empty()
                : Optional.of(new No(
                        Reason.WAVE_PENDING,
                        List.of(Fact.of("package", offered.digest()), Fact.of("wave", number + " of " + of))));
    }
}
