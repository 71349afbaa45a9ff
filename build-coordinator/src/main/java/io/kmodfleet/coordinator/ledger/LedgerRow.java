package io.kmodfleet.coordinator.ledger;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An entry with its JSON, made once for everything that needs it: the row, its digest, the projections, the topic.
 *
 * @param entry chained
 * @param observation as it stands in the ledger
 * @param decisions each as it stands in the ledger
 * @param policy position of the policy that it put in force, where it did
 */
public record LedgerRow(LedgerEntry entry, String observation, List<String> decisions, Optional<Long> policy) {

    /** @param entry not yet chained */
    public static LedgerRow of(Optional<Digest> previous, LedgerEntry entry, Optional<Long> policy) {
        Envelope envelope = entry.envelope();
        String observation = FleetJson.write(envelope.observation());
        List<String> decisions = new ArrayList<>(entry.decisions().size());
        for (Decision decision : entry.decisions()) {
            decisions.add(FleetJson.write(decision));
        }
        Digest chain = LedgerChain.next(
                previous,
                entry.position(),
                entry.takenAt(),
                envelope.source(),
                envelope.epoch(),
                envelope.sequence(),
                envelope.at(),
                entry.rules(),
                observation,
                arrayOf(decisions));
        LedgerEntry chained = new LedgerEntry(
                entry.position(), entry.takenAt(), envelope, entry.decisions(), entry.rules(), Optional.of(chain));
        return new LedgerRow(chained, observation, decisions, policy);
    }

    /** As it was read from the ledger. */
    public static LedgerRow read(LedgerEntry entry) {
        return new LedgerRow(
                entry,
                FleetJson.write(entry.envelope().observation()),
                entry.decisions().stream().map(FleetJson::write).toList(),
                Optional.empty());
    }

    String decisionsText() {
        return arrayOf(decisions);
    }

    /** What {@link FleetJson} makes of the entry, put together from what is written already. */
    public String line() {
        Envelope envelope = entry.envelope();
        StringBuilder line = new StringBuilder(observation.length() + 1024);
        line.append("{\"position\":").append(entry.position());
        line.append(",\"takenAt\":\"").append(entry.takenAt());
        line.append("\",\"envelope\":{\"source\":\"");
        JsonStringEncoder.getInstance().quoteAsString(envelope.source(), line);
        line.append("\",\"epoch\":").append(envelope.epoch());
        line.append(",\"sequence\":").append(envelope.sequence());
        line.append(",\"at\":\"").append(envelope.at());
        line.append("\",\"observation\":").append(observation);
        line.append("},\"decisions\":").append(decisionsText());
        line.append(",\"rules\":").append(entry.rules());
        entry.chain()
                .ifPresent(chain -> line.append(",\"chain\":\"").append(chain).append('"'));
        return line.append('}').toString();
    }

    private static String arrayOf(List<String> texts) {
        return "[" + String.join(",", texts) + "]";
    }
}
