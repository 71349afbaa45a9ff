package io.kmodfleet.agent.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.TestStore;
import io.kmodfleet.contracts.Digest;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileCacheIT {

    private static final int SIZE = 1_000;

    @TempDir
    private Path directory;

    private final Set<Digest> needed = new HashSet<>();
    private Instant now = Instant.parse("2026-11-23T03:00:00Z");

    @Test
    void what_was_fetched_once_is_there_while_the_store_is_away() throws Exception {
        byte[] bytes = file(1);
        Digest digest = Digest.of(bytes);
        try (TestStore store = new TestStore()) {
            store.put("packages", bytes);
            new StoreClient(store.address(), Optional.of(cache(10))).fetch("packages", digest, SIZE);
        }

        StoreClient away = new StoreClient(URI.create("http://127.0.0.1:1"), Optional.of(cache(10)));

        assertThat(away.fetch("packages", digest, SIZE)).isEqualTo(bytes);
    }

    @Test
    void what_was_built_here_is_kept_when_it_is_uploaded() throws Exception {
        FileCache cache = cache(10);
        try (TestStore store = new TestStore()) {
            new StoreClient(store.address(), Optional.of(cache)).upload("packages", Digest.of(file(1)), file(1));
        }

        assertThat(cache.get(Digest.of(file(1)))).isPresent();
    }

    @Test
    void damaged_bytes_are_dropped_and_fetched_again() throws Exception {
        FileCache cache = cache(10);
        Digest digest = Digest.of(file(1));
        cache.put(digest, file(1));
        Files.write(directory.resolve(digest.hex()), file(2));

        assertThat(cache.get(digest)).isEmpty();
        assertThat(directory.resolve(digest.hex())).doesNotExist();
    }

    @Test
    void what_was_not_used_for_longest_goes_first_and_what_kernels_need_stays() {
        FileCache cache = cache(3);
        needed.add(Digest.of(file(1)));
        for (int i = 1; i <= 3; i++) {
            put(cache, i);
        }
        tick();
        cache.get(Digest.of(file(2)));

        put(cache, 4);

        assertThat(cache.get(Digest.of(file(1)))).isPresent();
        assertThat(cache.get(Digest.of(file(2)))).isPresent();
        assertThat(cache.get(Digest.of(file(3)))).isEmpty();
        assertThat(cache.get(Digest.of(file(4)))).isPresent();
    }

    @Test
    void where_everything_in_it_is_needed_nothing_is_added() {
        FileCache cache = cache(2);
        for (int i = 1; i <= 2; i++) {
            needed.add(Digest.of(file(i)));
            put(cache, i);
        }

        put(cache, 3);

        assertThat(cache.get(Digest.of(file(1)))).isPresent();
        assertThat(cache.get(Digest.of(file(3)))).isEmpty();
    }

    @Test
    void a_cache_that_cannot_be_written_keeps_nothing_and_fails_nothing() throws Exception {
        Path nowhere = Files.writeString(directory.resolve("a file"), "").resolve("cache");
        FileCache cache = new FileCache(nowhere, SIZE, Set::of, Clock.systemUTC());

        cache.put(Digest.of(file(1)), file(1));

        assertThat(cache.get(Digest.of(file(1)))).isEmpty();
    }

    private void put(FileCache cache, int number) {
        tick();
        cache.put(Digest.of(file(number)), file(number));
    }

    private void tick() {
        now = now.plusSeconds(1);
    }

    private FileCache cache(int files) {
        return new FileCache(directory, (long) files * SIZE, () -> needed, new Clock() {
            @Override
            public Instant instant() {
                return now;
            }

            @Override
            public java.time.ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }
        });
    }

    private static byte[] file(int number) {
        byte[] bytes = new byte[SIZE];
        bytes[0] = (byte) number;
        return bytes;
    }
}
