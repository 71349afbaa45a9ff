package io.kmodfleet.coordinator.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RecordedHistoriesTest {

    @Test
    void what_was_decided_once_is_decided_again_by_the_rules_of_then() throws IOException {
        try (Stream<Path> files = Files.walk(Recorder.HISTORIES)) {
            List<Path> histories = files.filter(file -> file.toString().endsWith(".jsonl"))
                    .sorted()
                    .toList();
            assertThat(histories).hasSizeGreaterThan(80);
            for (Path history : histories) {
                replay(history);
            }
        }
    }

    private static void replay(Path history) throws IOException {
        FleetState state = FleetState.empty();
        for (String line : Files.readAllLines(history)) {
            LedgerEntry entry = FleetJson.mapper().readValue(line, LedgerEntry.class);
            Step again = Step.take(state, entry.envelope(), entry.takenAt(), entry.rules());
            assertThat(again.decisions())
                    .as("%s, position %d", history.getFileName(), entry.position())
                    .isEqualTo(entry.decisions());
            state = again.after();
        }
    }
}
