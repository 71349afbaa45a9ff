package io.kmodfleet.contracts.wire;

import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.DOES_NOT_FIT;
import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.NOT_A_CLOUD_EVENT;
import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.NOT_JSON;
import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.TOO_LARGE;
import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.UNKNOWN_TYPE;
import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.WRONG_SPEAKER;
import static io.kmodfleet.contracts.wire.UnreadableEvent.Problem.WRONG_VERSION;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Observations and commands as Kafka records: CloudEvents 1.0 in binary content mode (Kafka protocol binding 1.0.2, section
 * 3.2), so the attributes are headers and the value is the JSON of the event. {@code ce_type} is
 * {@code io.kmodfleet.<name>.v<version>}.
 */
public final class CloudEvents {

    /** Largest body read or written, in bytes: what a broker takes by default, with room for headers. */
    public static final int MAX_BYTES = 900 * 1024;

    private static final String PREFIX = "io.kmodfleet.";
    private static final String VERSION = "v1";
    private static final Map<Class<?>, String> NAMES = Stream.concat(
                    Stream.of(Observation.class, Command.class)
                            .flatMap(type -> Stream.of(
                                    type.getAnnotation(JsonSubTypes.class).value()))
                            .map(type -> Map.<Class<?>, String>entry(type.value(), type.name())),
                    Stream.of(Map.<Class<?>, String>entry(Heartbeat.class, "heartbeat")))
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

    private CloudEvents() {}

    /** One record to send: key, value, and headers in a fixed order. */
    public record Event(String key, byte[] value, Map<String, String> headers) {}

    public static Event write(Envelope envelope) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ce_specversion", "1.0");
        headers.put("ce_id", envelope.source() + "/" + envelope.epoch() + "/" + envelope.sequence());
        headers.put("ce_source", "/kmodfleet/" + envelope.source());
        headers.put("ce_type", typeOf(envelope.observation()));
        headers.put("ce_time", envelope.at().toString());
        headers.put("ce_epoch", Long.toString(envelope.epoch()));
        headers.put("ce_sequence", Long.toString(envelope.sequence()));
        headers.put("content-type", "application/json");
        return new Event(envelope.source(), FleetJson.writeBytes(envelope.observation()), headers);
    }

    /** @param at when the coordinator decided it; stands in {@code ce_time} */
    public static Event write(Command command, Instant at) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ce_specversion", "1.0");
        headers.put("ce_id", idOf(command));
        headers.put("ce_source", "/kmodfleet/coordinator");
        headers.put("ce_type", typeOf(command));
        headers.put("ce_time", at.toString());
        headers.put("content-type", "application/json");
        return new Event(command.host().value(), FleetJson.writeBytes(command), headers);
    }

    /**
     * Reads an observation, or says why it is none.
     *
     * @param key the record's key, or null
     * @param value the record's value, or null
     * @param headers the record's headers; of a repeated one, the last
     */
    public static Envelope readObservation(byte[] key, byte[] value, Map<String, byte[]> headers)
            throws UnreadableEvent {
        Observation observation = read(Observation.class, value, headers);
        String source = key == null ? "" : new String(key, StandardCharsets.UTF_8);
        if (!("/kmodfleet/" + source).equals(header(headers, "ce_source"))) {
            throw new UnreadableEvent(
                    WRONG_SPEAKER,
                    "Expected ce_source and the key to agree, but the key is '" + source + "' and ce_source '"
                            + header(headers, "ce_source") + "'");
        }
        long epoch = number(headers, "ce_epoch");
        long sequence = number(headers, "ce_sequence");
        Instant at;
        try {
            at = Instant.parse(header(headers, "ce_time"));
        } catch (DateTimeException e) {
            throw new UnreadableEvent(
                    NOT_A_CLOUD_EVENT,
                    "Expected an RFC 3339 time in ce_time, but got '" + header(headers, "ce_time") + "'");
        }
        try {
            return new Envelope(source, epoch, sequence, at, observation);
        } catch (IllegalArgumentException e) {
            throw new UnreadableEvent(WRONG_SPEAKER, e.getMessage());
        }
    }

    /** Reads a command, or says why it is none. */
    public static Command readCommand(byte[] key, byte[] value, Map<String, byte[]> headers) throws UnreadableEvent {
        Command command = read(Command.class, value, headers);
        String addressee = key == null ? "" : new String(key, StandardCharsets.UTF_8);
        HostId host = command.host();
        if (!host.value().equals(addressee)) {
            throw new UnreadableEvent(
                    WRONG_SPEAKER,
                    "Expected a command for '" + addressee + "', the record's key, but it is for '" + host + "'");
        }
        return command;
    }

    /**
     * Reads a heartbeat, or says why it is none.
     *
     * @param key the record's key, or null
     * @param value the record's value, or null
     * @param headers the record's headers; of a repeated one, the last
     */
    public static Heartbeat readHeartbeat(byte[] key, byte[] value, Map<String, byte[]> headers)
            throws UnreadableEvent {
        Heartbeat heartbeat = read(Heartbeat.class, value, headers);
        String speaker = key == null ? "" : new String(key, StandardCharsets.UTF_8);
        if (!heartbeat.host().value().equals(speaker)) {
            throw new UnreadableEvent(
                    WRONG_SPEAKER,
                    "Expected a heartbeat of '" + speaker + "', the record's key, but it is of '" + heartbeat.host()
                            + "'");
        }
        return heartbeat;
    }

    private static <T> T read(Class<T> kind, byte[] value, Map<String, byte[]> headers) throws UnreadableEvent {
        if (value == null || value.length > MAX_BYTES) {
            throw new UnreadableEvent(
                    TOO_LARGE,
                    "Expected a body of 1 to " + MAX_BYTES + " bytes, but it has "
                            + (value == null ? 0 : value.length));
        }
        if (!"1.0".equals(header(headers, "ce_specversion"))) {
            throw new UnreadableEvent(
                    NOT_A_CLOUD_EVENT,
                    "Expected the header ce_specversion: 1.0, but got '" + header(headers, "ce_specversion") + "'");
        }
        String type = header(headers, "ce_type");
        Class<?> expected = typeNamed(kind, type);
        JsonNode tree;
        try {
            tree = FleetJson.mapper().readTree(value);
        } catch (IOException e) {
            throw new UnreadableEvent(NOT_JSON, "Expected JSON, but " + firstLine(e));
        }
        try {
            T read = FleetJson.mapper().treeToValue(tree, kind);
            if (read == null || read.getClass() != expected) {
                throw new UnreadableEvent(
                        DOES_NOT_FIT, "Expected a body of type " + type + ", but it says another type");
            }
            return read;
        } catch (JsonProcessingException e) {
            throw new UnreadableEvent(
                    e instanceof JsonParseException ? NOT_JSON : DOES_NOT_FIT,
                    "Expected " + type + ", but " + firstLine(e));
        }
    }

    private static Class<?> typeNamed(Class<?> kind, String type) throws UnreadableEvent {
        int dot = type.lastIndexOf('.');
        String version = dot < 0 ? "" : type.substring(dot + 1);
        String name = dot < 0 || !type.startsWith(PREFIX) || dot < PREFIX.length()
                ? ""
                : type.substring(PREFIX.length(), dot);
        for (Map.Entry<Class<?>, String> known : NAMES.entrySet()) {
            if (kind.isAssignableFrom(known.getKey()) && known.getValue().equals(name)) {
                if (!version.equals(VERSION)) {
                    throw new UnreadableEvent(
                            WRONG_VERSION,
                            "Expected " + name + " in version " + VERSION + ", but got '" + version
                                    + "'. Upgrade this service before the one that sent it");
                }
                return known.getKey();
            }
        }
        throw new UnreadableEvent(
                UNKNOWN_TYPE,
                "Expected a known " + kind.getSimpleName().toLowerCase(java.util.Locale.ROOT) + ", but ce_type is '"
                        + type + "'");
    }

    private static long number(Map<String, byte[]> headers, String name) throws UnreadableEvent {
        try {
            return Long.parseLong(header(headers, name));
        } catch (NumberFormatException e) {
            throw new UnreadableEvent(
                    NOT_A_CLOUD_EVENT, "Expected a number in " + name + ", but got '" + header(headers, name) + "'");
        }
    }

    private static String header(Map<String, byte[]> headers, String name) {
        byte[] value = headers.get(name);
        return value == null ? "" : new String(value, StandardCharsets.UTF_8);
    }

    private static String typeOf(Object event) {
        return PREFIX + NAMES.get(event.getClass()) + "." + VERSION;
    }

    private static String idOf(Command command) {
        return command.match(new Command.Cases<>() {
            @Override
            public String on(Command.BuildModule build) {
                return build.decision().id().toString();
            }

            @Override
            public String on(Command.InstallPackage install) {
                return install.decision().id().toString();
            }

            @Override
            public String on(Command.ActivateModule activate) {
                return activate.decision().id().toString();
            }

            @Override
            public String on(Command.NoteDecision note) {
                return note.decision().id().toString();
            }

            @Override
            public String on(Command.Acknowledge acknowledge) {
                return "ack/" + acknowledge.host() + "/" + acknowledge.epoch() + "/" + acknowledge.sequence();
            }
        });
    }

    private static String firstLine(Exception e) {
        String message = String.valueOf(e.getMessage());
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
