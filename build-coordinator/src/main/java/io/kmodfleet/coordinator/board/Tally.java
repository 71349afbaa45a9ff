package io.kmodfleet.coordinator.board;

import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Observation.BuildFailed;
import io.kmodfleet.contracts.Observation.BuildSucceeded;
import io.kmodfleet.contracts.Observation.ModuleInstalled;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.TargetView;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.time.Duration;

/**
 * What was compiled, and what was not because somebody else had.
 *
 * @param position of the last entry that is counted
 * @param builds that ended well
 * @param buildMillis that these took together
 * @param failed builds that did not
 * @param reused installations of a package that another host had built
 */
public record Tally(long position, long builds, long buildMillis, long failed, long reused) {

    public static final Tally NOTHING = new Tally(0, 0, 0, 0, 0);

    /** @param state in which the package of the entry is known */
    public Tally next(LedgerEntry entry, FleetState state) {
        if (entry.position() <= position) {
            return this;
        }
        Observation observation = entry.envelope().observation();
        if (observation instanceof BuildSucceeded built) {
            return new Tally(entry.position(), builds + 1, buildMillis + built.millis(), failed, reused);
        }
        if (observation instanceof BuildFailed) {
            return new Tally(entry.position(), builds, buildMillis, failed + 1, reused);
        }
        if (observation instanceof ModuleInstalled installed) {
            boolean own = TargetView.builderOf(state, installed.target(), installed.packageDigest())
                    .map(installed.host()::equals)
                    .orElse(false);
            return new Tally(entry.position(), builds, buildMillis, failed, own ? reused : reused + 1);
        }
        return new Tally(entry.position(), builds, buildMillis, failed, reused);
    }

    /** Whether entries with it change more than the position. */
    public static boolean counts(Observation observation) {
        return observation instanceof BuildSucceeded
                || observation instanceof BuildFailed
                || observation instanceof ModuleInstalled;
    }

    /** What those that reused would have compiled for, at the average of the builds there were. */
    public Duration saved() {
        return builds == 0 ? Duration.ZERO : Duration.ofMillis(buildMillis / builds * reused);
    }
}
