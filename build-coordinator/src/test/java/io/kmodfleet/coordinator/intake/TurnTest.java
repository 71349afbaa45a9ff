package io.kmodfleet.coordinator.intake;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.coordinator.dispatch.Dispatcher.Outgoing;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes with an observation to its commands, and changes nothing. */
class TurnTest {

    private static final TraceContext TRACE =
            new TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true);

    private final Turn.Head before = Turn.decide(
                    Turn.Head.NOTHING, Observed.arrivals(Observed.beginning()), Observed.AT)
            .after();
    private final Envelope report = Observed.report("a", 1, "one");
    private final Turn without = Turn.decide(before, Observed.arrivals(List.of(report)), Observed.AT);

    @Test
    void a_command_belongs_to_the_trace_of_the_observation_that_it_came_of() {
        Turn traced = Turn.decide(before, List.of(arrival(report, TRACE.toString())), Observed.AT);

        long position = traced.after().state().position();
        assertThat(traced.commands())
                .filteredOn(outgoing -> !(outgoing.command() instanceof Command.Acknowledge))
                .isNotEmpty()
                .extracting(Outgoing::trace)
                .containsOnly(Optional.of(TRACE.atPosition(position)));
        assertThat(traced.traced()).hasSize(1);
        assertThat(traced.traced().get(0).cause()).isEqualTo(TRACE);
    }

    @Test
    void the_ledger_is_the_same_with_a_trace_and_without() {
        Turn traced = Turn.decide(before, List.of(arrival(report, TRACE.toString())), Observed.AT);

        assertThat(traced.after().chain()).isPresent().isEqualTo(without.after().chain());
        assertThat(traced.rows()).isEqualTo(without.rows());
        assertThat(without.traced()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nce_type: other"
            })
    void a_trace_that_is_none_stops_nothing(String header) {
        Turn turn = Turn.decide(before, List.of(arrival(report, header)), Observed.AT);

        assertThat(turn.deadLetters()).isEmpty();
        assertThat(turn.rows()).isEqualTo(without.rows());
        assertThat(turn.commands()).isEqualTo(without.commands());
        assertThat(turn.traced()).isEmpty();
    }

    private static Arrival arrival(Envelope envelope, String trace) {
        CloudEvents.Event event = CloudEvents.write(envelope);
        ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>(
                Topics.OBSERVATIONS, 0, 0, event.key().getBytes(StandardCharsets.UTF_8), event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        record.headers().add(TraceContext.HEADER, trace.getBytes(StandardCharsets.UTF_8));
        return Arrival.of(record);
    }
}
