package io.kmodfleet.agent.journal;

import static io.kmodfleet.agent.Kernels.HOST;
import static io.kmodfleet.agent.Kernels.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.Needs;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.wire.TraceContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalIT {

    private static final Instant NOW = Instant.parse("2026-11-24T00:00:00Z");

    @TempDir
    Path state;

    @Test
    void what_was_appended_is_there_after_a_restart_with_the_same_numbers() throws IOException {
        List<Envelope> before = written(3);

        assertThat(reopened()).isEqualTo(before);
        assertThat(before).extracting(Envelope::sequence).containsExactly(1L, 2L, 3L);
    }

    @Test
    void a_journal_torn_at_any_byte_keeps_every_whole_record_and_goes_on_counting() throws IOException {
        List<Envelope> all = written(3);
        byte[] whole = Files.readAllBytes(file());
        int header = indexAfterLine(whole, 0);
        int first = indexAfterLine(whole, header);
        int second = indexAfterLine(whole, first);

        for (int length = header; length <= whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            int kept = length == whole.length ? 3 : length >= second ? 2 : length >= first ? 1 : 0;
            try (Journal journal = open()) {
                assertThat(journal.waiting()).as("torn at byte %d", length).isEqualTo(all.subList(0, kept));
                Envelope next = journal.append(failure(9), NOW);
                assertThat(next.sequence()).as("torn at byte %d", length).isEqualTo(kept + 1);
                assertThat(next.epoch()).isEqualTo(all.get(0).epoch());
            }
            assertThat(reopened()).as("torn at byte %d, then appended", length).hasSize(kept + 1);
        }
    }

    @Test
    void a_journal_torn_in_its_first_line_begins_with_another_epoch() throws IOException {
        written(1);
        byte[] whole = Files.readAllBytes(file());

        for (int length = 0; length < indexAfterLine(whole, 0); length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            try (Journal journal = Journal.open(state, HOST, NOW.plusMillis(5))) {
                assertThat(journal.append(failure(1), NOW).epoch()).isEqualTo(NOW.toEpochMilli() + 5);
            }
        }
    }

    @Test
    void no_number_is_used_twice_after_damage_in_the_middle() throws IOException {
        List<Envelope> all = written(5);
        byte[] whole = Files.readAllBytes(file());
        long seed = System.nanoTime();
        System.out.println("seed " + seed + "; run again with new Random(" + seed + "L)");
        Random random = new Random(seed);
        int header = indexAfterLine(whole, 0);

        for (int round = 0; round < 200; round++) {
            byte[] damaged = whole.clone();
            damaged[header + random.nextInt(whole.length - header - 1)] ^= (byte) (1 << random.nextInt(7));
            Files.write(file(), damaged);
            try (Journal journal = open()) {
                TreeSet<String> numbers = new TreeSet<>();
                all.forEach(known -> numbers.add(known.epoch() + "/" + known.sequence()));
                Envelope next = journal.append(failure(9), NOW);
                assertThat(numbers)
                        .as("seed %d, round %d", seed, round)
                        .doesNotContain(next.epoch() + "/" + next.sequence());
            }
        }
    }

    @Test
    void an_observation_keeps_its_trace_over_a_crash_and_one_without_has_none() throws IOException {
        TraceContext trace = TraceContext.begin();
        try (Journal journal = open()) {
            journal.append(failure(1), NOW, Optional.of(trace));
            journal.append(failure(2), NOW);
        }

        try (Journal journal = open()) {
            assertThat(journal.entries())
                    .extracting(Journal.Entry::trace)
                    .containsExactly(Optional.of(trace), Optional.empty());
            assertThat(journal.waiting()).extracting(Envelope::sequence).containsExactly(1L, 2L);
        }
    }

    @Test
    void what_is_acknowledged_is_forgotten_and_the_counting_goes_on() throws IOException {
        try (Journal journal = open()) {
            long epoch = journal.append(failure(1), NOW).epoch();
            journal.append(failure(2), NOW);
            journal.acknowledge(epoch, 1);
            assertThat(journal.waiting()).extracting(Envelope::sequence).containsExactly(2L);
            journal.acknowledge(epoch, 2);
        }

        try (Journal journal = open()) {
            assertThat(journal.waiting()).isEmpty();
            assertThat(journal.append(failure(3), NOW).sequence()).isEqualTo(3);
        }
        assertThat(Files.size(file())).as("one observation and the first line").isLessThan(1_000);
    }

    @Test
    void an_acknowledgement_that_knows_less_or_more_than_this_journal_contradicts_it() throws IOException {
        try (Journal journal = open()) {
            long epoch = journal.append(failure(1), NOW).epoch();
            journal.append(failure(2), NOW);
            journal.acknowledge(epoch, 2);

            assertThat(journal.contradicts(epoch, 2)).isFalse();
            assertThat(journal.contradicts(epoch, 1)).isTrue();
            assertThat(journal.contradicts(epoch, 3)).isTrue();
            assertThat(journal.contradicts(epoch - 1, 1)).isFalse();
        }
    }

    @Test
    void after_weeks_without_an_answer_only_superseded_reports_are_dropped_and_never_a_result() throws IOException {
        long epoch;
        try (Journal journal = open()) {
            epoch = journal.append(report("at first"), NOW).epoch();
            for (int i = 1; i < Journal.CROWDED; i++) {
                journal.append(i % 10 == 0 ? failure(i) : report("look " + i), NOW);
            }
            assertThat(journal.waiting()).hasSize(Journal.CROWDED);

            journal.append(report("at last"), NOW);

            assertThat(journal.waiting()).hasSize(Journal.CROWDED / 10);
        }

        List<Envelope> kept = reopened();
        assertThat(kept.get(0).epoch()).isGreaterThan(epoch);
        assertThat(kept).extracting(Envelope::sequence).startsWith(1L, 2L).endsWith((long) kept.size());
        assertThat(kept)
                .extracting(Envelope::observation)
                .startsWith(failure(10), failure(20))
                .endsWith(report("at last"));
    }

    @Test
    void it_is_bounded_in_bytes_too() throws IOException {
        SortedMap<String, String> crcs = new TreeMap<>();
        for (int i = 0; i < 1_000; i++) {
            crcs.put("symbol_" + i, "0x%08x".formatted(i));
        }
        Observation exports = new Observation.KernelExportsReported(
                HOST,
                "x86_64",
                "6.1.0-56-amd64",
                Digest.of(new byte[0]),
                new KernelInterface("SMP preempt mod_unload modversions ", 896, crcs));
        try (Journal journal = open()) {
            while (Files.size(file()) < Journal.CROWDED_BYTES) {
                journal.append(exports, NOW);
            }
            assertThat(journal.waiting()).hasSizeLessThan(Journal.CROWDED);

            journal.append(exports, NOW);

            assertThat(journal.waiting()).hasSize(1);
            assertThat(Files.size(file())).isLessThan(Journal.CROWDED_BYTES / 10);
        }
    }

    @Test
    void a_full_disk_costs_only_what_could_not_be_written() throws Exception {
        Needs.root();
        exec("mount", "-t", "tmpfs", "-o", "size=16k", "small", state.toString());
        try {
            int written = 0;
            Journal journal = open();
            try (journal) {
                while (written < 1_000) {
                    journal.append(failure(written + 1), NOW);
                    written++;
                }
                throw new AssertionError("Expected the disk to be full");
            } catch (IOException e) {
                assertThat(journal.waiting()).hasSize(written);
            }
            assertThat(reopened())
                    .hasSize(written)
                    .last()
                    .extracting(Envelope::observation)
                    .isEqualTo(failure(written));
            exec("mount", "-o", "remount,size=64k", state.toString());
            try (Journal again = open()) {
                assertThat(again.append(failure(written + 1), NOW).sequence()).isEqualTo(written + 1);
            }
        } finally {
            exec("umount", state.toString());
        }
    }

    private static Observation report(String hostname) {
        return new Observation.HostReported(
                HOST,
                new HostReport(
                        hostname,
                        new OperatingSystem("debian", "12", "Debian"),
                        "x86_64",
                        false,
                        List.of(),
                        List.of(),
                        new TreeMap<>(),
                        Optional.empty(),
                        Optional.empty()));
    }

    private static void exec(String... line) throws Exception {
        assertThat(new ProcessBuilder(line).inheritIO().start().waitFor()).isZero();
    }

    private List<Envelope> written(int count) throws IOException {
        try (Journal journal = open()) {
            for (int i = 1; i <= count; i++) {
                journal.append(failure(i), NOW);
            }
            return journal.waiting();
        }
    }

    private List<Envelope> reopened() throws IOException {
        try (Journal journal = open()) {
            return journal.waiting();
        }
    }

    private Journal open() throws IOException {
        return Journal.open(state, HOST, NOW);
    }

    private Path file() {
        return state.resolve("journal");
    }

    private static int indexAfterLine(byte[] bytes, int from) {
        int at = from;
        while (bytes[at] != '\n') {
            at++;
        }
        return at + 1;
    }
}
