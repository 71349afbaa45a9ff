package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Envelope;
import java.util.ArrayList;
import java.util.List;

/**
 * How far one source has counted. Epochs are told apart, not ordered: the clock of a host may stand in 1970.
 *
 * @param retired epochs that this source counted in before, the newest last
 */
record Counting(long epoch, long sequence, List<Long> retired) {

    private static final int REMEMBERED = 16;

    Counting {
        retired = List.copyOf(retired);
    }

    static Counting startedBy(Envelope first) {
        return new Counting(first.epoch(), first.sequence(), List.of());
    }

    boolean isRepeat(Envelope envelope) {
        return retired.contains(envelope.epoch()) || epoch == envelope.epoch() && envelope.sequence() <= sequence;
    }

    boolean leavesGapTo(Envelope envelope) {
        return epoch == envelope.epoch() && envelope.sequence() > sequence + 1;
    }

    boolean startsAnewWith(Envelope envelope) {
        return epoch != envelope.epoch();
    }

    Counting next(Envelope envelope) {
        if (!startsAnewWith(envelope)) {
            return new Counting(epoch, envelope.sequence(), retired);
        }
        List<Long> past = new ArrayList<>(retired);
        past.add(epoch);
        List<Long> kept = past.subList(Math.max(0, past.size() - REMEMBERED), past.size());
        return new Counting(envelope.epoch(), envelope.sequence(), kept);
    }
}
