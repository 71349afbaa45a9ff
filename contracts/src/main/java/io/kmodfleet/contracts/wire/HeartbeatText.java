package io.kmodfleet.contracts.wire;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The same JSON as {@link FleetJson} makes of a heartbeat, byte for byte, without a JSON library: it is written by a program that
 * lies in the memory of every host for months.
 */
public final class HeartbeatText {

    private HeartbeatText() {}

    /** @param at by the host's clock, which nobody trusts: it only gives the heartbeat a name of its own */
    public static Event write(Heartbeat heartbeat, Instant at) {
        String host = heartbeat.host().value();
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ce_specversion", "1.0");
        headers.put("ce_id", host + "/heartbeat/" + at.toEpochMilli());
        headers.put("ce_source", "/kmodfleet/" + host);
        headers.put("ce_type", "io.kmodfleet.heartbeat.v1");
        headers.put("ce_time", at.toString());
        headers.put("content-type", "application/json");
        return new Event(host, body(heartbeat), headers);
    }

    static byte[] body(Heartbeat heartbeat) {
        StringBuilder out = new StringBuilder(256);
        out.append('{');
        text(out, "host", heartbeat.host().value());
        text(out.append(','), "agentVersion", heartbeat.agentVersion());
        if (heartbeat.uptimeSeconds().isPresent()) {
            number(out.append(','), "uptimeSeconds", heartbeat.uptimeSeconds().getAsLong());
        }
        number(out.append(','), "unsent", heartbeat.unsent());
        if (heartbeat.devices().isPresent()) {
            name(out.append(','), "devices").append('[');
            String comma = "";
            for (Device device : heartbeat.devices().get()) {
                device(out.append(comma), device);
                comma = ",";
            }
            out.append(']');
        }
        return out.append("}").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void device(StringBuilder out, Device device) {
        out.append('{');
        text(out, "device", device.device());
        text(out.append(','), "type", device.type());
        text(out.append(','), "mount", device.mount());
        number(out.append(','), "sizeBytes", device.sizeBytes());
        number(out.append(','), "usedBytes", device.usedBytes());
        if (device.synced().isPresent()) {
            name(out.append(','), "synced").append(device.synced().get().booleanValue());
        }
        text(out.append(','), "path", device.path());
        out.append('}');
    }

    private static StringBuilder name(StringBuilder out, String name) {
        return out.append('"').append(name).append("\":");
    }

    private static void number(StringBuilder out, String name, long value) {
        name(out, name).append(value);
    }

    /** No control character gets past {@link io.kmodfleet.contracts.Grammar#line}, so only two signs need a backslash (RFC 8259, section 7). */
    private static void text(StringBuilder out, String name, String value) {
        name(out, name).append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\');
            }
            out.append(c);
        }
        out.append('"');
    }
}
