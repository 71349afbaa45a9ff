package io.kmodfleet.coordinator.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.coordinator.audit.AuditReport;
import io.kmodfleet.coordinator.audit.AuditRun;
import io.kmodfleet.coordinator.audit.Moment;
import io.kmodfleet.coordinator.audit.WhatIf;
import io.kmodfleet.coordinator.audit.WhatIf.Outcome;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever happens to a fleet, its ledger can be proven and tried with another policy. Again: {@code -Dkmodfleet.seed=S}. */
class AuditedFleetsTest {

    private static final int FLEETS = Math.min(Integer.getInteger("kmodfleet.fleets", 60), 600);
    private static final long SEED = Long.getLong("kmodfleet.seed", new Random().nextLong());

    @Test
    void any_fleet_that_was_played_is_decided_again_without_a_finding() {
        for (int i = 0; i < FLEETS; i++) {
            List<LedgerEntry> ledger = played(SEED + i);
            AuditRun run = new AuditRun(AuditRun.Delivery.ONCE, 1, Long.MAX_VALUE);
            ledger.forEach(entry -> run.next(new Line.Read(entry.position(), entry, Optional.empty())));

            AuditReport report = run.report();

            assertThat(report.findings()).as("seed %d", SEED + i).isEmpty();
            assertThat(report.decidedAgain()).isEqualTo(ledger.size());
        }
    }

    @Test
    void a_preflight_that_asks_once_for_hosts_that_are_alike_says_what_one_says_that_asks_for_each() {
        int builds = 0;
        for (int i = 0; i < FLEETS; i++) {
            List<LedgerEntry> ledger = played(SEED + i);
            FleetState state = FleetState.empty();
            for (LedgerEntry entry : ledger) {
                state = Step.settle(state, entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules());
                if (entry.position() % 97 == 0 || entry.position() == ledger.size()) {
                    for (String release : List.of(Fleet.KERNEL, "6.1.0-99-amd64")) {
                        KernelIdentity kernel = new KernelIdentity(
                                "x86_64",
                                release,
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty());
                        Preflight each = Preflight.of(state, kernel, false);
                        assertThat(Preflight.of(state, kernel))
                                .as("seed %d, position %d", SEED + i, entry.position())
                                .isEqualTo(each);
                        builds += each.modules().stream()
                                .mapToInt(Preflight.Line::build)
                                .sum();
                    }
                }
            }
        }
        assertThat(builds).isPositive();
    }

    @Test
    void another_policy_can_be_tried_on_any_fleet_that_was_played_and_the_same_one_leads_to_the_same() {
        int compared = 0;
        for (int i = 0; i < FLEETS; i++) {
            List<LedgerEntry> ledger = played(SEED + i);
            List<LedgerEntry> policies = ledger.stream()
                    .filter(entry -> entry.envelope().observation() instanceof PolicyPublished)
                    .toList();
            LedgerEntry last = policies.get(policies.size() - 1);
            Policy policy = ((PolicyPublished) last.envelope().observation()).policy();

            Outcome atEnd = whatIf(ledger, policy, Optional.empty());
            Outcome sinceThen = whatIf(ledger, policy, Optional.of(Moment.parse(Long.toString(ledger.size() / 2))));

            assertThat(atEnd.hosts()).as("seed %d", SEED + i).isEqualTo(sinceThen.hosts());
            if (policies.size() == 1) {
                compared++;
                Outcome again = whatIf(ledger, policy, Optional.of(Moment.parse(Long.toString(last.position()))));
                assertThat(again.policiesLeftOut()).isZero();
                assertThat(again.decidedAgain()).isPositive();
                assertThat(again.changes()).as("seed %d", SEED + i).isEmpty();
            }
        }
        assertThat(compared).isPositive();
    }

    private static List<LedgerEntry> played(long seed) {
        Simulation fleet = new Simulation(seed);
        fleet.play(100);
        return fleet.ledger();
    }

    private static Outcome whatIf(List<LedgerEntry> ledger, Policy policy, Optional<Moment> since) {
        WhatIf whatIf = new WhatIf(policy, since);
        ledger.forEach(entry -> whatIf.next(new Line.Read(entry.position(), entry, Optional.empty())));
        return whatIf.outcome();
    }
}
