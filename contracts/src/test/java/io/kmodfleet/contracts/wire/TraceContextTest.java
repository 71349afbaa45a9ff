package io.kmodfleet.contracts.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {

    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String SPAN = "00f067aa0ba902b7";

    @Test
    void what_is_written_is_read() {
        TraceContext context = new TraceContext(TRACE, SPAN, true);

        assertThat(context).hasToString("00-" + TRACE + "-" + SPAN + "-01");
        assertThat(TraceContext.read(context.toString())).contains(context);
        assertThat(TraceContext.read("00-" + TRACE + "-" + SPAN + "-00"))
                .contains(new TraceContext(TRACE, SPAN, false));
        assertThat(TraceContext.read(context.toString().getBytes(StandardCharsets.US_ASCII)))
                .contains(context);
    }

    @Test
    void a_later_version_may_say_more() {
        assertThat(TraceContext.read("01-" + TRACE + "-" + SPAN + "-09-more"))
                .contains(new TraceContext(TRACE, SPAN, true));
        assertThat(TraceContext.read("01-" + TRACE + "-" + SPAN + "-01.more")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00",
                "00-" + TRACE + "-" + SPAN,
                "00-" + TRACE + "-" + SPAN + "-1",
                "00-" + TRACE + "-" + SPAN + "-01-more",
                "00-" + TRACE + "-" + SPAN + "-0g",
                "ff-" + TRACE + "-" + SPAN + "-01",
                "0G-" + TRACE + "-" + SPAN + "-01",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + SPAN + "-01",
                "00-00000000000000000000000000000000-" + SPAN + "-01",
                "00-" + TRACE + "-0000000000000000-01",
                "00_" + TRACE + "-" + SPAN + "-01",
                "00-" + TRACE + "-\n0f067aa0ba902b7-01"
            })
    void what_is_none_is_none(String header) {
        assertThat(TraceContext.read(header)).isEmpty();
    }

    @Test
    void nothing_is_none_and_neither_is_a_flood() {
        assertThat(TraceContext.read((String) null)).isEmpty();
        assertThat(TraceContext.read((byte[]) null)).isEmpty();
        assertThat(TraceContext.read(new byte[1 << 20])).isEqualTo(Optional.empty());
        assertThatThrownBy(() -> new TraceContext(TRACE, "x", true)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_trace_keeps_its_id_and_each_part_of_it_has_its_own() {
        TraceContext first = TraceContext.begin();
        Set<String> spans = new HashSet<>();
        for (long position = 1; position <= 10_000; position++) {
            spans.add(first.atPosition(position).span());
        }

        assertThat(first.next().trace()).isEqualTo(first.trace());
        assertThat(first.next().span()).isNotEqualTo(first.span());
        assertThat(TraceContext.begin().trace()).isNotEqualTo(first.trace());
        assertThat(spans).hasSize(10_000);
        assertThat(TraceContext.spanAt(7)).isEqualTo(first.atPosition(7).span());
    }
}
