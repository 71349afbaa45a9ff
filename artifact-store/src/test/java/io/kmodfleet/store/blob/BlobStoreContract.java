package io.kmodfleet.store.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What every place for blobs promises. */
abstract class BlobStoreContract {

    private static final Random RANDOM = new Random();

    abstract BlobStore blobs();

    /** Where files are written that are to be kept. */
    abstract Path staging();

    @Test
    void what_is_kept_is_found_whole() throws Exception {
        byte[] bytes = bytes(300_000);

        keep(bytes);

        BlobStore.Blob found = blobs().find(Digest.of(bytes)).orElseThrow();
        assertThat(found.size()).isEqualTo(bytes.length);
        try (InputStream in = found.read()) {
            assertThat(in.readAllBytes()).isEqualTo(bytes);
        }
    }

    @Test
    void any_part_of_it_can_be_read() throws Exception {
        byte[] bytes = bytes(100_000);
        keep(bytes);
        BlobStore.Blob found = blobs().find(Digest.of(bytes)).orElseThrow();

        for (int[] part : new int[][] {{0, 1}, {0, 100_000}, {99_999, 1}, {50_000, 50_000}, {1, 70_000}, {7, 0}}) {
            try (InputStream in = found.read(part[0], part[1])) {
                assertThat(in.readAllBytes())
                        .as("%s", Arrays.toString(part))
                        .isEqualTo(Arrays.copyOfRange(bytes, part[0], part[0] + part[1]));
            }
        }
    }

    @Test
    void nothing_at_all_can_be_kept_too() throws Exception {
        byte[] nothing = new byte[0];

        keep(nothing);

        try (InputStream in = blobs().find(Digest.of(nothing)).orElseThrow().read()) {
            assertThat(in.readAllBytes()).isEmpty();
        }
    }

    @Test
    void what_was_kept_before_is_listed_by_the_first_byte_of_its_digest() throws Exception {
        byte[] bytes = bytes(1_000);
        keep(bytes);
        Digest digest = Digest.of(bytes);
        int part = Integer.parseInt(digest.hex().substring(0, 2), 16);

        // Servers of objects count in whole seconds.
        assertThat(blobs().list(part, Instant.now().plusSeconds(10))).contains(digest);
        assertThat(blobs().list(part, Instant.now().minusSeconds(3_600))).doesNotContain(digest);
        assertThat(blobs().list((part + 1) % BlobStore.PARTS, Instant.now().plusSeconds(10)))
                .doesNotContain(digest);
    }

    @Test
    void what_nobody_kept_is_not_there() throws Exception {
        assertThat(blobs().find(Digest.of(bytes(32)))).isEmpty();
    }

    @Test
    void the_same_bytes_twice_are_one_blob() throws Exception {
        byte[] bytes = bytes(5_000);

        keep(bytes);
        keep(bytes);

        try (InputStream in = blobs().find(Digest.of(bytes)).orElseThrow().read()) {
            assertThat(in.readAllBytes()).isEqualTo(bytes);
        }
    }

    @Test
    void the_same_bytes_from_many_at_the_same_time_are_one_blob_that_is_whole_whenever_it_is_there() throws Exception {
        byte[] bytes = bytes(2_000_000);
        Digest digest = Digest.of(bytes);
        ExecutorService threads = Executors.newFixedThreadPool(5);
        try {
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                writers.add(threads.submit(() -> {
                    for (int round = 0; round < 5; round++) {
                        keep(bytes);
                    }
                    return null;
                }));
            }
            Future<Integer> reader = threads.submit(() -> {
                int seen = 0;
                while (!writers.stream().allMatch(Future::isDone)) {
                    var found = blobs().find(digest);
                    if (found.isPresent()) {
                        seen++;
                        try (InputStream in = found.get().read()) {
                            assertThat(Digest.of(in.readAllBytes())).isEqualTo(digest);
                        }
                    }
                }
                return seen;
            });
            for (Future<?> writer : writers) {
                writer.get();
            }
            assertThat(reader.get()).isPositive();
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void what_is_removed_is_gone_and_can_be_kept_again() throws Exception {
        byte[] bytes = bytes(1_000);
        keep(bytes);

        blobs().remove(Digest.of(bytes));
        blobs().remove(Digest.of(bytes));
        assertThat(blobs().find(Digest.of(bytes))).isEmpty();

        keep(bytes);
        assertThat(blobs().find(Digest.of(bytes))).isPresent();
    }

    @Test
    void a_file_that_is_not_there_is_not_kept() throws Exception {
        byte[] bytes = bytes(100);

        assertThatExceptionOfType(Exception.class)
                .isThrownBy(() -> blobs().keep(Digest.of(bytes), staging().resolve("missing")));

        assertThat(blobs().find(Digest.of(bytes))).isEmpty();
    }

    @Test
    void a_probe_finds_nothing_wrong_and_leaves_nothing() throws Exception {
        blobs().probe();
    }

    static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    Digest keep(byte[] bytes) throws IOException {
        Path file = Files.write(Files.createTempFile(staging(), "", ".part"), bytes);
        blobs().keep(Digest.of(bytes), file);
        return Digest.of(bytes);
    }
}
