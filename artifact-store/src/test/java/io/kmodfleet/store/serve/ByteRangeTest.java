package io.kmodfleet.store.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.junit.jupiter.api.Test;

class ByteRangeTest {

    @Test
    void first_to_last_open_end_and_suffix_are_understood() throws Exception {
        assertThat(ByteRange.parse("bytes=0-9", 100)).contains(new ByteRange(0, 10));
        assertThat(ByteRange.parse("bytes=90-", 100)).contains(new ByteRange(90, 10));
        assertThat(ByteRange.parse("bytes=-10", 100)).contains(new ByteRange(90, 10));
        assertThat(ByteRange.parse("bytes=90-200", 100)).contains(new ByteRange(90, 10));
        assertThat(ByteRange.parse("bytes=-200", 100)).contains(new ByteRange(0, 100));
    }

    @Test
    void what_is_no_single_range_asks_for_the_whole() throws Exception {
        for (String header : List.of("", "bytes=", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=9-3", "bytes=x-y")) {
            assertThat(ByteRange.parse(header, 100)).as(header).isEmpty();
        }
        assertThat(ByteRange.parse(null, 100)).isEmpty();
    }

    @Test
    void bytes_behind_the_end_cannot_be_had() {
        for (String header : List.of("bytes=100-", "bytes=100-200", "bytes=-0")) {
            assertThatExceptionOfType(ByteRange.NotSatisfiable.class)
                    .as(header)
                    .isThrownBy(() -> ByteRange.parse(header, 100));
        }
    }
}
