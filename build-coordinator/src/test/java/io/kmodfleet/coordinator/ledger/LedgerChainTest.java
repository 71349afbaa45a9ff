package io.kmodfleet.coordinator.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LedgerChainTest {

    private static final Path HISTORY = Path.of("src/test/resources/histories/rules-1/random-0.jsonl");

    @Test
    void the_digest_goes_over_ten_netstrings() {
        Digest first = LedgerChain.next(
                Optional.empty(),
                1,
                Instant.parse("2026-11-24T03:00:00.000001Z"),
                "store",
                7,
                2,
                Instant.parse("1969-12-31T23:59:59.999999Z"),
                2,
                "{\"ü\":1}",
                "[]");

        String netstrings = "0:,1:1,16:1795489200000001,5:store,1:7,1:2,2:-1,1:2,8:{\"ü\":1},2:[],";
        assertThat(first).isEqualTo(Digest.of(netstrings.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void every_field_of_every_row_matters() throws IOException {
        List<LedgerEntry> ledger = chained(history());
        LedgerEntry last = ledger.get(ledger.size() - 1);

        assertThat(ledger.size()).isGreaterThan(20);
        for (int i = 0; i < ledger.size() - 1; i++) {
            for (LedgerEntry forged : forgeries(ledger.get(i))) {
                List<LedgerEntry> changed = new ArrayList<>(ledger);
                changed.set(i, forged);
                assertThat(chained(changed).get(ledger.size() - 1).chain()).isNotEqualTo(last.chain());
            }
        }
    }

    @Test
    void an_entry_and_its_raw_texts_have_the_same_digest() throws IOException {
        for (LedgerEntry entry : chained(history())) {
            Envelope envelope = entry.envelope();
            Optional<Digest> before = Optional.of(Digest.of(new byte[] {1}));
            assertThat(LedgerChain.next(before, entry))
                    .isEqualTo(LedgerChain.next(
                            before,
                            entry.position(),
                            entry.takenAt(),
                            envelope.source(),
                            envelope.epoch(),
                            envelope.sequence(),
                            envelope.at(),
                            entry.rules(),
                            FleetJson.write(envelope.observation()),
                            LedgerChain.decisionsText(entry.decisions())));
        }
    }

    @Test
    void a_line_of_json_keeps_the_chain_and_an_old_one_has_none() throws IOException {
        LedgerEntry old = history().get(0);
        LedgerEntry chained = old.chainedTo(Optional.empty());

        assertThat(old.chain()).isEmpty();
        assertThat(FleetJson.write(old)).doesNotContain("chain");
        assertThat(read(FleetJson.write(chained))).isEqualTo(chained);
    }

    private static List<LedgerEntry> forgeries(LedgerEntry entry) {
        Envelope envelope = entry.envelope();
        Instant later = entry.takenAt().plusNanos(1000);
        return List.of(
                new LedgerEntry(entry.position() + 1, entry.takenAt(), envelope, entry.decisions(), entry.rules()),
                new LedgerEntry(entry.position(), later, envelope, entry.decisions(), entry.rules()),
                new LedgerEntry(entry.position(), entry.takenAt(), envelope, entry.decisions(), entry.rules() + 1),
                withEnvelope(entry, envelope.epoch() + 1, envelope.sequence(), envelope.at()),
                withEnvelope(entry, envelope.epoch(), envelope.sequence() + 1, envelope.at()),
                withEnvelope(
                        entry,
                        envelope.epoch(),
                        envelope.sequence(),
                        envelope.at().minusNanos(1000)));
    }

    private static LedgerEntry withEnvelope(LedgerEntry entry, long epoch, long sequence, Instant at) {
        Envelope envelope = entry.envelope();
        return new LedgerEntry(
                entry.position(),
                entry.takenAt(),
                new Envelope(envelope.source(), epoch, sequence, at, envelope.observation()),
                entry.decisions(),
                entry.rules());
    }

    private static List<LedgerEntry> chained(List<LedgerEntry> entries) {
        List<LedgerEntry> chained = new ArrayList<>(entries.size());
        Optional<Digest> chain = Optional.empty();
        for (LedgerEntry entry : entries) {
            chained.add(entry.chainedTo(chain));
            chain = chained.get(chained.size() - 1).chain();
        }
        return chained;
    }

    private static List<LedgerEntry> history() throws IOException {
        List<LedgerEntry> entries = new ArrayList<>();
        for (String line : Files.readAllLines(HISTORY)) {
            entries.add(read(line));
            if (entries.size() == 40) {
                break;
            }
        }
        return entries;
    }

    private static LedgerEntry read(String line) throws JsonProcessingException {
        return FleetJson.mapper().readValue(line, LedgerEntry.class);
    }
}
