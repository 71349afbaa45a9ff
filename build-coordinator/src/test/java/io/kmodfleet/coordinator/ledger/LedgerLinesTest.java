package io.kmodfleet.coordinator.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerLinesTest {

    private static final Path HISTORY = Path.of("src/test/resources/histories/rules-1/random-0.jsonl");

    private byte[] text;

    @BeforeEach
    void read() throws IOException {
        text = Files.readAllBytes(HISTORY);
    }

    @Test
    void what_is_written_is_read_again_plain_and_compressed(@TempDir Path directory) throws IOException {
        List<Line> before = lines(text);
        for (String name : List.of("ledger.jsonl", "ledger.jsonl.gz")) {
            Path file = directory.resolve(name);
            try (OutputStream out = LedgerLines.create(file)) {
                for (Line line : before) {
                    out.write(LedgerLines.write(((Line.Read) line).entry()));
                }
            }
            // Whatever its name.
            Path renamed = Files.move(file, directory.resolve("renamed-" + name.length()));

            List<Line> after = new ArrayList<>();
            try (LedgerLines.Reader reader = LedgerLines.open(renamed)) {
                reader.forEachRemaining(after::add);
            }

            assertThat(after).hasSize(85).hasSameSizeAs(before);
            for (int i = 0; i < before.size(); i++) {
                assertThat(after.get(i)).isEqualTo(before.get(i));
            }
            assertThat(Files.size(renamed) < text.length / 5).isEqualTo(name.endsWith(".gz"));
        }
    }

    @Test
    void a_line_that_is_no_entry_is_named_with_its_number_and_position_and_the_rest_is_read() {
        String[] rows = text().split("\n");
        rows[16] = rows[16].replace("\"rules\":1", "\"rules\":\"one\"");
        rows[17] = "{\"position\":18}";
        rows[18] = "nonsense";
        rows[19] = rows[19].replaceFirst("\"observation\":\"[a-z-]+\"", "\"observation\":\"host-abducted\"");

        List<Line> lines = lines(String.join("\n", rows).getBytes(StandardCharsets.UTF_8));

        assertThat(lines).hasSize(85);
        assertThat(lines.stream().filter(Line.Read.class::isInstance)).hasSize(81);
        assertThat(lines.get(16)).isInstanceOfSatisfying(Line.Unreadable.class, line -> {
            assertThat(line.position()).hasValue(17);
            assertThat(line.what())
                    .startsWith("line 17: Expected a ledger entry, but ")
                    .contains("one");
        });
        assertThat(lines.get(17)).isInstanceOfSatisfying(Line.Unreadable.class, line -> assertThat(line.position())
                .hasValue(18));
        assertThat(lines.get(18)).isInstanceOfSatisfying(Line.Unreadable.class, line -> {
            assertThat(line.position()).isEmpty();
            assertThat(line.what()).startsWith("line 19: Expected a ledger entry, but it is no JSON");
        });
        assertThat(lines.get(19)).isInstanceOfSatisfying(Line.Unreadable.class, line -> assertThat(line.what())
                .contains("host-abducted")
                .doesNotContain("\n"));
    }

    @Test
    void a_file_that_ends_in_the_middle_of_a_line_is_cut_off_there() {
        List<Line> lines = lines(Arrays.copyOf(text, text.length - 40));

        assertThat(lines).hasSize(85);
        assertThat(lines.get(84))
                .isEqualTo(
                        new Line.CutOff(85, "line 85: Expected a whole line, but the file ends in the middle of it"));
    }

    @Test
    void a_last_line_without_a_line_feed_is_whole() {
        assertThat(lines(Arrays.copyOf(text, text.length - 1))).hasSize(85).allMatch(Line.Read.class::isInstance);
    }

    @Test
    void wherever_a_compressed_file_is_cut_or_damaged_what_is_before_is_read_and_the_end_is_named() throws IOException {
        byte[] compressed = compressed(text);
        List<Line> whole = lines(text);
        for (int length = 2; length < compressed.length; length += 97) {
            List<Line> lines = lines(Arrays.copyOf(compressed, length));
            assertThat(lines.get(lines.size() - 1)).as("cut at %d", length).isInstanceOf(Line.CutOff.class);
            assertThat(lines.subList(0, lines.size() - 1))
                    .as("cut at %d", length)
                    .isEqualTo(whole.subList(0, lines.size() - 1));
        }
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            byte[] damaged = compressed.clone();
            // The last byte before the trailer may end in bits that mean nothing.
            int padding = damaged.length - 9;
            int at = 20 + random.nextInt(damaged.length - 20);
            if (at == padding) {
                continue;
            }
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            List<Line> lines = lines(damaged);
            assertThat(lines.get(lines.size() - 1))
                    .as("seed %d, flipped at %d", seed, at)
                    .isInstanceOf(Line.CutOff.class);
        }
    }

    @Test
    void the_link_of_each_entry_is_derived_from_its_very_bytes() {
        StringBuilder rows = new StringBuilder();
        Optional<Digest> link = Optional.empty();
        for (Line line : lines(text)) {
            LedgerEntry entry = ((Line.Read) line).entry().chainedTo(link);
            link = entry.chain();
            rows.append(new String(LedgerLines.write(entry), StandardCharsets.UTF_8));
        }

        assertThat(lines(rows.toString().getBytes(StandardCharsets.UTF_8)))
                .hasSize(85)
                .allSatisfy(line -> assertThat(((Line.Read) line).link())
                        .isEqualTo(((Line.Read) line).entry().chain()));

        String spaced = rows.toString().replaceFirst("\"reason\":", "\"reason\": ");
        assertThat(lines(spaced.getBytes(StandardCharsets.UTF_8)).stream().filter(line -> !((Line.Read) line)
                        .link()
                        .equals(((Line.Read) line).entry().chain())))
                .hasSize(1);
    }

    @Test
    void empty_lines_count_and_say_nothing() {
        List<Line> lines = lines(("\n" + text().replaceFirst("\n", "\n\n")).getBytes(StandardCharsets.UTF_8));

        assertThat(lines).hasSize(85);
        assertThat(lines.get(1).number()).isEqualTo(4);
        assertThat(lines(new byte[0])).isEmpty();
    }

    @Test
    void lines_longer_than_any_buffer_are_read() {
        StringBuilder rows = new StringBuilder();
        String padded = text().lines().findFirst().orElseThrow().replaceFirst("\\{", "{" + " ".repeat(3_000_000));
        rows.append(padded).append('\n').append(padded).append('\n');

        assertThat(lines(rows.toString().getBytes(StandardCharsets.UTF_8)))
                .hasSize(2)
                .allMatch(Line.Read.class::isInstance);
    }

    private String text() {
        return new String(text, StandardCharsets.UTF_8);
    }

    private static List<Line> lines(byte[] bytes) {
        List<Line> lines = new ArrayList<>();
        try (LedgerLines.Reader reader = LedgerLines.read(new ByteArrayInputStream(bytes))) {
            reader.forEachRemaining(lines::add);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return lines;
    }

    private static byte[] compressed(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
