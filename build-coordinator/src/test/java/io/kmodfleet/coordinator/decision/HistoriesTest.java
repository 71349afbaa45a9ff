package io.kmodfleet.coordinator.decision;

import static io.kmodfleet.coordinator.decision.Fleet.Host.CAN_BUILD;
import static io.kmodfleet.coordinator.decision.Fleet.Host.HAS_MODULE;
import static io.kmodfleet.coordinator.decision.Fleet.TARGET;
import static io.kmodfleet.coordinator.decision.Fleet.built;
import static io.kmodfleet.coordinator.decision.Fleet.failed;
import static io.kmodfleet.coordinator.decision.Fleet.host;
import static io.kmodfleet.coordinator.decision.Fleet.installFailed;
import static io.kmodfleet.coordinator.decision.Fleet.installed;
import static io.kmodfleet.coordinator.decision.Fleet.reported;
import static io.kmodfleet.coordinator.decision.Fleet.stored;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Fleets that behave as fleets do: in any order, late, and sometimes badly. What must hold, holds at every step. */
class HistoriesTest {

    private static final int HISTORIES = 400;
    private static final List<String> NAMES = List.of("a1", "a2", "b1", "b2", "b3", "b4");

    @Test
    void in_any_history_there_is_one_build_at_a_time_and_in_the_end_everybody_is_served_or_told_why_not() {
        long first = new Random().nextLong();
        for (int i = 0; i < HISTORIES; i++) {
            new History(first + i).play();
        }
    }

    private static final class History {
        private final long seed;
        private final Random random;
        private final Fleet fleet = Fleet.withPolicy();
        private final Map<HostId, List<Decision>> orders = new HashMap<>();
        private final Set<String> withModule = new HashSet<>();
        private boolean packageExists;

        History(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
        }

        void play() {
            for (int i = 0; i < 40; i++) {
                step(random.nextInt(10) < 2);
            }
            // Now nothing fails any more, everybody obeys, and everybody reports.
            for (int round = 0; round < 6; round++) {
                for (String name : NAMES) {
                    report(name);
                    while (!orders.getOrDefault(host(name), List.of()).isEmpty()) {
                        obey(name, false);
                    }
                }
            }
            for (String name : NAMES) {
                Decision standing = fleet.standing(host(name));
                boolean served = standing.reason() == Reason.UP_TO_DATE;
                boolean toldWhyNot = standing instanceof Decision.Reject
                        && Set.of(Reason.FAILED_TOO_OFTEN, Reason.INSTALL_FAILED)
                                .contains(standing.reason());
                assertThat(served || toldWhyNot)
                        .as("seed %d: %s has %s", seed, name, standing)
                        .isTrue();
            }
            assertReplayIsLive();
        }

        private void step(boolean fails) {
            String name = NAMES.get(random.nextInt(NAMES.size()));
            if (orders.getOrDefault(host(name), List.of()).isEmpty() || random.nextBoolean()) {
                report(name);
            } else {
                obey(name, fails);
            }
        }

        private void report(String name) {
            List<Fleet.Host> is = new ArrayList<>();
            if (name.startsWith("a")) {
                is.add(CAN_BUILD);
            }
            if (withModule.contains(name)) {
                is.add(HAS_MODULE);
            }
            check(fleet.sees(reported(name, is.toArray(Fleet.Host[]::new))));
        }

        private void obey(String name, boolean fails) {
            Decision order = orders.get(host(name)).remove(0);
            if (order instanceof Decision.Build) {
                if (fails) {
                    check(fleet.sees(failed(name, order)));
                } else {
                    packageExists = true;
                    boolean storeFirst = random.nextBoolean();
                    check(fleet.sees(storeFirst ? stored() : built(name, order)));
                    check(fleet.sees(storeFirst ? built(name, order) : stored()));
                }
            } else if (fails) {
                check(fleet.sees(installFailed(name)));
            } else {
                withModule.add(name);
                check(fleet.sees(installed(name)));
            }
        }

        private void check(List<Decision> decisions) {
            for (Decision decision : decisions) {
                if (decision instanceof Decision.Reuse reuse) {
                    assertThat(reuse.target()).as("seed %d", seed).isEqualTo(TARGET);
                }
                // What was built is never built again, and what was not built is never handed out.
                boolean builds = decision instanceof Decision.Build;
                boolean reuses = decision instanceof Decision.Reuse;
                assertThat(builds && packageExists || reuses && !packageExists)
                        .as("seed %d: %s", seed, decision)
                        .isFalse();
                if (decision instanceof Decision.Build || decision instanceof Decision.Reuse) {
                    orders.computeIfAbsent(decision.subject().host(), any -> new ArrayList<>())
                            .add(decision);
                }
            }
            long ordered = orders.values().stream()
                    .flatMap(List::stream)
                    .filter(Decision.Build.class::isInstance)
                    .count();
            assertThat(ordered).as("seed %d: builds under way", seed).isLessThanOrEqualTo(1);
        }

        private void assertReplayIsLive() {
            FleetState replayed = FleetState.empty();
            for (int i = 0; i < fleet.history().size(); i++) {
                Step again = Step.take(replayed, fleet.history().get(i), Fleet.AT);
                assertThat(again.decisions())
                        .as("seed %d, entry %d", seed, i + 1)
                        .isEqualTo(fleet.decided().get(i));
                replayed = again.after();
            }
        }
    }
}
