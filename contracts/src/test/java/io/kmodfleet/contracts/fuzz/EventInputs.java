package io.kmodfleet.contracts.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.HeartbeatText;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What comes as a record of Kafka: lines of key and headers, an empty one, and the value. */
final class EventInputs {

    private EventInputs() {}

    private record Incoming(byte[] key, byte[] value, Map<String, byte[]> headers) {

        static Incoming of(byte[] bytes) {
            int at = 0;
            byte[] key = null;
            Map<String, byte[]> headers = new HashMap<>();
            while (at < bytes.length && bytes[at] != '\n') {
                int end = at;
                while (end < bytes.length && bytes[end] != '\n') {
                    end++;
                }
                String line = new String(bytes, at, end - at, StandardCharsets.UTF_8);
                int colon = line.indexOf(": ");
                if (colon < 0) {
                    key = Arrays.copyOfRange(bytes, at, end);
                } else {
                    headers.put(
                            line.substring(0, colon), line.substring(colon + 2).getBytes(StandardCharsets.UTF_8));
                }
                at = Math.min(bytes.length, end + 1);
            }
            return new Incoming(key, Arrays.copyOfRange(bytes, Math.min(bytes.length, at + 1), bytes.length), headers);
        }

        static Incoming of(Event event) {
            Map<String, byte[]> headers = new HashMap<>();
            event.headers().forEach((name, value) -> headers.put(name, value.getBytes(StandardCharsets.UTF_8)));
            return new Incoming(event.key().getBytes(StandardCharsets.UTF_8), event.value(), headers);
        }
    }

    /** What agents, store and operator say. */
    public static final class Observations implements HostileInput {

        @Override
        public List<byte[]> seeds() {
            return Samples.observations().stream()
                    .map(observation -> new Envelope(Envelope.speakerOf(observation), 5, 7, Samples.AT, observation))
                    .map(envelope -> bytesOf(CloudEvents.write(envelope)))
                    .toList();
        }

        @Override
        public void parse(byte[] bytes) throws UnreadableEvent {
            Envelope read;
            try {
                read = read(Incoming.of(bytes));
            } catch (UnreadableEvent e) {
                assertThat(e.problem()).isNotNull();
                return;
            }
            assertThat(read(Incoming.of(bytes))).isEqualTo(read);
            assertThat(read(Incoming.of(CloudEvents.write(read)))).isEqualTo(read);
        }

        private static Envelope read(Incoming record) throws UnreadableEvent {
            return CloudEvents.readObservation(record.key, record.value, record.headers);
        }
    }

    /** What the coordinator says to an agent, or somebody in its name. */
    public static final class Commands implements HostileInput {

        @Override
        public List<byte[]> seeds() {
            return Stream.concat(
                            Samples.decisions().stream().map(Command::carryingOut),
                            Stream.of(new Command.Acknowledge(Samples.HOST, 5, 7)))
                    .map(command -> bytesOf(CloudEvents.write(command, Samples.AT)))
                    .toList();
        }

        @Override
        public void parse(byte[] bytes) throws UnreadableEvent {
            Command read;
            try {
                read = read(Incoming.of(bytes));
            } catch (UnreadableEvent e) {
                assertThat(e.problem()).isNotNull();
                return;
            }
            assertThat(read(Incoming.of(bytes))).isEqualTo(read);
            assertThat(read(Incoming.of(CloudEvents.write(read, Samples.AT)))).isEqualTo(read);
        }

        private static Command read(Incoming record) throws UnreadableEvent {
            return CloudEvents.readCommand(record.key, record.value, record.headers);
        }
    }

    /** What agents say once a minute. */
    public static final class Heartbeats implements HostileInput {

        @Override
        public List<byte[]> seeds() {
            return List.of(bytesOf(HeartbeatText.write(Samples.HEARTBEAT, Samples.AT)));
        }

        @Override
        public void parse(byte[] bytes) throws UnreadableEvent {
            Heartbeat read;
            try {
                read = read(Incoming.of(bytes));
            } catch (UnreadableEvent e) {
                assertThat(e.problem()).isNotNull();
                return;
            }
            assertThat(read(Incoming.of(bytes))).isEqualTo(read);
            assertThat(read(Incoming.of(HeartbeatText.write(read, Samples.AT)))).isEqualTo(read);
        }

        private static Heartbeat read(Incoming record) throws UnreadableEvent {
            return CloudEvents.readHeartbeat(record.key, record.value, record.headers);
        }
    }

    private static byte[] bytesOf(Event event) {
        StringBuilder head = new StringBuilder(event.key()).append('\n');
        event.headers()
                .forEach((name, value) ->
                        head.append(name).append(": ").append(value).append('\n'));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(head.append('\n').toString().getBytes(StandardCharsets.UTF_8));
        out.writeBytes(event.value());
        return out.toByteArray();
    }
}
