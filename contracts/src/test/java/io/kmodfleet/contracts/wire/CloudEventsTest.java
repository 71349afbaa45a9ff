package io.kmodfleet.contracts.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.UnreadableEvent.Problem;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CloudEventsTest {

    private static final Observation OBSERVATION = Samples.observations().get(0);
    private static final Event EVENT =
            CloudEvents.write(new Envelope(Samples.HOST.value(), 1_795_479_567_747L, 7, Samples.AT, OBSERVATION));

    @Test
    void what_is_written_is_read_again() throws Exception {
        for (Observation observation : Samples.observations()) {
            Envelope envelope = new Envelope(Envelope.speakerOf(observation), 5, 7, Samples.AT, observation);
            Event event = CloudEvents.write(envelope);
            assertThat(CloudEvents.readObservation(key(event), event.value(), headers(event)))
                    .isEqualTo(envelope);
        }
        Command command = new Command.Acknowledge(Samples.HOST, 5, 7);
        Event event = CloudEvents.write(command, Samples.AT);
        assertThat(CloudEvents.readCommand(key(event), event.value(), headers(event)))
                .isEqualTo(command);
    }

    @Test
    void the_headers_are_those_of_a_cloud_event_in_binary_mode() {
        assertThat(EVENT.headers())
                .containsEntry("ce_specversion", "1.0")
                .containsEntry("ce_type", "io.kmodfleet.host-reported.v1")
                .containsEntry("ce_source", "/kmodfleet/" + Samples.HOST)
                .containsEntry("ce_id", Samples.HOST + "/1795479567747/7")
                .containsEntry("content-type", "application/json");
    }

    @Test
    void what_is_not_understood_is_a_named_problem() {
        refused(Problem.NOT_A_CLOUD_EVENT, EVENT.value(), "ce_specversion", "0.3");
        refused(Problem.NOT_A_CLOUD_EVENT, EVENT.value(), "ce_sequence", "x");
        refused(Problem.NOT_A_CLOUD_EVENT, EVENT.value(), "ce_time", "yesterday");
        refused(Problem.UNKNOWN_TYPE, EVENT.value(), "ce_type", "io.kmodfleet.host-vanished.v1");
        refused(Problem.UNKNOWN_TYPE, EVENT.value(), "ce_type", "");
        refused(Problem.WRONG_VERSION, EVENT.value(), "ce_type", "io.kmodfleet.host-reported.v2");
        refused(Problem.DOES_NOT_FIT, EVENT.value(), "ce_type", "io.kmodfleet.build-succeeded.v1");
        refused(Problem.NOT_JSON, "junk".getBytes(), "content-type", "application/json");
        refused(
                Problem.DOES_NOT_FIT,
                "{\"observation\":\"host-reported\"}".getBytes(),
                "content-type",
                "application/json");
        refused(Problem.TOO_LARGE, new byte[CloudEvents.MAX_BYTES + 1], "content-type", "application/json");
    }

    @Test
    void an_unknown_or_repeated_field_is_refused() {
        String json = new String(EVENT.value(), StandardCharsets.UTF_8);
        String more = json.substring(0, json.length() - 1) + ",\"surprise\":1}";
        String twice = json.substring(0, json.length() - 1) + ",\"host\":\"" + Samples.HOST + "\"}";

        refused(Problem.DOES_NOT_FIT, more.getBytes(), "content-type", "application/json");
        refused(Problem.NOT_JSON, twice.getBytes(), "content-type", "application/json");
    }

    @Test
    void nobody_speaks_for_somebody_else() {
        assertThatExceptionOfType(UnreadableEvent.class)
                .isThrownBy(() -> CloudEvents.readObservation("store".getBytes(), EVENT.value(), headers(EVENT)))
                .satisfies(refusal -> assertThat(refusal.problem()).isEqualTo(Problem.WRONG_SPEAKER));
        Map<String, byte[]> asStore = headers(EVENT);
        asStore.put("ce_source", "/kmodfleet/store".getBytes());
        assertThatExceptionOfType(UnreadableEvent.class)
                .isThrownBy(() -> CloudEvents.readObservation("store".getBytes(), EVENT.value(), asStore))
                .satisfies(refusal -> assertThat(refusal.problem()).isEqualTo(Problem.WRONG_SPEAKER));
    }

    @Test
    void whatever_bytes_come_they_are_read_or_refused() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            byte[] changed = EVENT.value().clone();
            for (int n = random.nextInt(6); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            try {
                CloudEvents.readObservation(key(EVENT), changed, headers(EVENT));
            } catch (UnreadableEvent e) {
                assertThat(e.problem()).as("seed %d", seed).isNotNull();
            }
        }
    }

    private static void refused(Problem problem, byte[] value, String header, String content) {
        Map<String, byte[]> headers = headers(EVENT);
        headers.put(header, content.getBytes());
        assertThatExceptionOfType(UnreadableEvent.class)
                .isThrownBy(() -> CloudEvents.readObservation(key(EVENT), value, headers))
                .satisfies(refusal -> assertThat(refusal.problem()).isEqualTo(problem));
    }

    private static byte[] key(Event event) {
        return event.key().getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, byte[]> headers(Event event) {
        Map<String, byte[]> headers = new HashMap<>();
        event.headers().forEach((name, value) -> headers.put(name, value.getBytes(StandardCharsets.UTF_8)));
        return headers;
    }
}
