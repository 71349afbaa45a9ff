package io.kmodfleet.cli.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.cli.exchange.Bundle.Entry;
import io.kmodfleet.cli.exchange.Bundle.Index;
import io.kmodfleet.cli.exchange.Bundle.Kind;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.fuzz.Tar;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;

class BundleTest {

    private final Map<Digest, byte[]> files = new LinkedHashMap<>();
    private final List<Entry> entries = new ArrayList<>(List.of(
            entry(Kind.PACKAGE, "a package"), entry(Kind.SOURCE, "a source"), entry(Kind.LOG, "x".repeat(3_000))));

    @Test
    void what_was_written_is_read_with_sources_first_and_the_same_files_give_the_same_bytes() throws IOException {
        byte[] bundle = written(Index.of(entries));
        List<Entry> reversed = new ArrayList<>(entries);
        java.util.Collections.reverse(reversed);
        List<Kind> order = new ArrayList<>();

        Index read = Bundle.read(new ByteArrayInputStream(bundle), (entry, bytes) -> {
            assertThat(bytes).isEqualTo(files.get(entry.digest()));
            order.add(entry.kind());
        });

        assertThat(order).containsExactly(Kind.SOURCE, Kind.LOG, Kind.PACKAGE);
        assertThat(read.digest()).isEqualTo(Index.of(entries).digest());
        assertThat(written(Index.of(reversed))).isEqualTo(bundle);
        assertThat(Bundle.readIndex(new ByteArrayInputStream(bundle))).isEqualTo(read);
    }

    @Test
    void cut_off_at_any_byte_it_says_so_and_gives_only_whole_files() throws IOException {
        byte[] bundle = written(Index.of(entries));
        int end = bundle.length;
        while (bundle[end - 1] == 0) {
            end--;
        }
        for (int length = 0; length < end; length++) {
            byte[] cut = Arrays.copyOf(bundle, length);
            assertThatExceptionOfType(Bundle.Damaged.class)
                    .as("cut off at byte %d", length)
                    .isThrownBy(() -> Bundle.read(new ByteArrayInputStream(cut), this::requireWhole));
        }
    }

    @Test
    void with_any_byte_changed_no_other_file_is_given_than_the_index_names() throws IOException {
        byte[] bundle = written(Index.of(entries));
        Digest index = Index.of(entries).digest();
        for (int i = 0; i < bundle.length; i++) {
            byte[] changed = bundle.clone();
            changed[i] ^= 0x10;
            try {
                Index read = Bundle.read(new ByteArrayInputStream(changed), (entry, bytes) -> {
                    assertThat(Digest.of(bytes)).isEqualTo(entry.digest());
                });
                // Only what tar says beside the bytes may differ, or the names for people, and then so does the index.
                if (read.digest().equals(index)) {
                    assertThat(read.files()).containsExactlyInAnyOrderElementsOf(entries);
                }
            } catch (Bundle.Damaged e) {
                assertThat(e.getMessage()).startsWith("Expected ");
            }
        }
    }

    @Test
    void more_than_the_index_names_is_refused() throws IOException {
        byte[] bundle = written(Index.of(entries));
        byte[] other = written(Index.of(List.of(entry(Kind.LOG, "hidden"))));
        byte[] both = Arrays.copyOf(bundle, bundle.length);
        int end = bundle.length;
        while (bundle[end - 1] == 0) {
            end--;
        }
        int room = (end + 511) / 512 * 512;
        byte[] joined = Arrays.copyOf(both, room + other.length);
        System.arraycopy(other, 0, joined, room, other.length);

        assertThatExceptionOfType(Bundle.Damaged.class)
                .isThrownBy(() -> Bundle.read(new ByteArrayInputStream(joined), this::requireWhole))
                .withMessageContaining("nothing behind");
    }

    @Test
    void an_index_that_does_not_say_everything_is_no_index() {
        String entry = "{\"kind\":\"LOG\",\"digest\":\"" + Digest.of(new byte[0]) + "\",\"size\":0,\"name\":\"x\"}";
        for (String files : List.of(
                "null",
                "[null]",
                "[{}]",
                "[" + entry.replace("\"kind\":\"LOG\",", "") + "]",
                "[" + entry.replaceAll("\"digest\":\"[^\"]*\",", "") + "]",
                "[" + entry.replace(",\"name\":\"x\"", "") + "]")) {
            byte[] bundle = Tar.of(Map.of(
                    "index.json", "{\"format\":1,\"files\":%s}".formatted(files).getBytes()));
            assertThatExceptionOfType(Bundle.Damaged.class)
                    .as(files)
                    .isThrownBy(() -> Bundle.read(new ByteArrayInputStream(bundle), this::requireWhole));
        }
        // The last as Jackson takes it: a text in UTF-32.
        for (String json : List.of("null", "", "[]", "\0\0\0{aaaa")) {
            byte[] bundle = Tar.of(Map.of("index.json", json.getBytes(StandardCharsets.ISO_8859_1)));
            assertThatExceptionOfType(Bundle.Damaged.class)
                    .as(json)
                    .isThrownBy(() -> Bundle.readIndex(new ByteArrayInputStream(bundle)));
        }
    }

    @Test
    void a_name_as_long_as_the_memory_is_refused_before_it_is_kept() {
        for (byte type : new byte[] {TarConstants.LF_GNUTYPE_LONGNAME, TarConstants.LF_PAX_EXTENDED_HEADER_LC}) {
            TarArchiveEntry entry = new TarArchiveEntry("name", type);
            entry.setSize(1L << 32);
            byte[] header = new byte[512];
            entry.writeEntryHeader(header);
            String begin = type == TarConstants.LF_GNUTYPE_LONGNAME ? "" : (1L << 32) + " path=";
            CountingEndless endless = new CountingEndless();
            InputStream bundle = new SequenceInputStream(
                    new SequenceInputStream(
                            new ByteArrayInputStream(header), new ByteArrayInputStream(begin.getBytes())),
                    endless);

            assertThatExceptionOfType(Bundle.Damaged.class)
                    .as("type %c", type)
                    .isThrownBy(() -> Bundle.read(bundle, this::requireWhole));
            assertThat(endless.count).as("type %c", type).isLessThan(1 << 20);
        }
    }

    private static final class CountingEndless extends InputStream {

        private long count;

        @Override
        public int read() {
            count++;
            return 'a';
        }
    }

    @Test
    void what_is_no_bundle_is_named_so() {
        for (String text : List.of("", "hello", "{\"format\":1}", "\0".repeat(2_000))) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            assertThatExceptionOfType(Bundle.Damaged.class)
                    .isThrownBy(() -> Bundle.read(new ByteArrayInputStream(bytes), this::requireWhole));
        }
    }

    @Test
    void a_store_that_gives_other_bytes_makes_no_bundle() {
        assertThatExceptionOfType(Bundle.Damaged.class)
                .isThrownBy(() -> Bundle.write(Index.of(entries), entry -> new byte[] {1}, new ByteArrayOutputStream()))
                .withMessageContaining("Expected");
    }

    private void requireWhole(Entry entry, byte[] bytes) {
        assertThat(bytes).isEqualTo(files.get(entry.digest()));
    }

    private byte[] written(Index index) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Bundle.write(index, entry -> files.get(entry.digest()), out);
        return out.toByteArray();
    }

    private Entry entry(Kind kind, String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        files.put(Digest.of(bytes), bytes);
        return new Entry(kind, Digest.of(bytes), bytes.length, kind.collection() + "-file");
    }
}
