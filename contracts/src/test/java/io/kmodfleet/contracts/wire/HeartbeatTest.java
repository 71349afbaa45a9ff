package io.kmodfleet.contracts.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.UnreadableEvent.Problem;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class HeartbeatTest {

    private static final Heartbeat SHORT =
            new Heartbeat(Samples.HOST, "0.1.0", OptionalLong.empty(), 0, Optional.empty());

    @Test
    void it_is_written_without_a_json_library_byte_for_byte_as_with_one() {
        for (Heartbeat heartbeat : List.of(Samples.HEARTBEAT, SHORT, with(List.of()))) {
            assertThat(new String(HeartbeatText.write(heartbeat, Samples.AT).value(), StandardCharsets.UTF_8))
                    .isEqualTo(FleetJson.write(heartbeat));
        }
    }

    @Test
    void what_is_written_is_read_again() throws Exception {
        for (Heartbeat heartbeat : List.of(Samples.HEARTBEAT, SHORT, with(List.of()))) {
            Event event = HeartbeatText.write(heartbeat, Samples.AT);
            assertThat(read(event.key(), event.value(), event.headers())).isEqualTo(heartbeat);
        }
    }

    @Test
    void its_headers_are_those_of_a_cloud_event_in_binary_mode() {
        assertThat(HeartbeatText.write(SHORT, Samples.AT).headers())
                .containsEntry("ce_specversion", "1.0")
                .containsEntry("ce_type", "io.kmodfleet.heartbeat.v1")
                .containsEntry("ce_source", "/kmodfleet/" + Samples.HOST)
                .containsEntry("ce_time", Samples.AT.toString())
                .containsEntry("content-type", "application/json");
    }

    @Test
    void no_host_speaks_for_another_one() {
        refused(Problem.WRONG_SPEAKER, new HostId("0".repeat(32)).value(), body(SHORT));
        refused(Problem.WRONG_SPEAKER, null, body(SHORT));
    }

    @Test
    void what_is_not_a_heartbeat_is_a_named_problem() {
        String host = Samples.HOST.value();
        refused(Problem.NOT_JSON, host, "beat");
        refused(Problem.DOES_NOT_FIT, host, "null");
        refused(Problem.DOES_NOT_FIT, host, "[]");
        refused(Problem.DOES_NOT_FIT, host, body(SHORT).replace("\"unsent\":0", "\"unsent\":-1"));
        refused(Problem.DOES_NOT_FIT, host, body(SHORT).replace("0.1.0", " "));
        refused(Problem.DOES_NOT_FIT, host, body(SHORT).replace("0.1.0", "0".repeat(65)));
        refused(Problem.DOES_NOT_FIT, host, body(SHORT).replace("0.1.0", "a\\u0007b"));
        refused(Problem.DOES_NOT_FIT, host, body(SHORT).replace("}", ",\"more\":1}"));
        refused(Problem.DOES_NOT_FIT, host, body(SHORT).replace("\"unsent\":0", "\"unsent\":1e99"));
        refused(Problem.TOO_LARGE, host, " ".repeat(CloudEvents.MAX_BYTES + 1));
        refused(
                Problem.DOES_NOT_FIT,
                host,
                body(Samples.HEARTBEAT).replace("\"usedBytes\":42", "\"usedBytes\":53687091201"));
    }

    @Test
    void it_names_a_bounded_number_of_devices() {
        Device device = new Device("/dev/sda", "ext4", "/", 2, 1, Optional.empty(), "/dev/sda");
        with(Collections.nCopies(Heartbeat.MOST_DEVICES, device));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> with(Collections.nCopies(Heartbeat.MOST_DEVICES + 1, device)))
                .withMessage("Expected at most 256 devices, but got 257");
    }

    private static Heartbeat with(List<Device> devices) {
        return new Heartbeat(Samples.HOST, "0.1.0", OptionalLong.of(1), 0, Optional.of(devices));
    }

    private static String body(Heartbeat heartbeat) {
        return new String(HeartbeatText.body(heartbeat), StandardCharsets.UTF_8);
    }

    private static void refused(Problem problem, String key, String body) {
        assertThatExceptionOfType(UnreadableEvent.class)
                .isThrownBy(() -> read(
                        key,
                        body.getBytes(StandardCharsets.UTF_8),
                        HeartbeatText.write(SHORT, Samples.AT).headers()))
                .satisfies(refused -> assertThat(refused.problem()).as(body).isEqualTo(problem));
    }

    private static Heartbeat read(String key, byte[] value, Map<String, String> headers) throws UnreadableEvent {
        Map<String, byte[]> bytes = new HashMap<>();
        headers.forEach((name, text) -> bytes.put(name, text.getBytes(StandardCharsets.UTF_8)));
        return CloudEvents.readHeartbeat(key == null ? null : key.getBytes(StandardCharsets.UTF_8), value, bytes);
    }
}
