package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * One host, stable over reboots and reinstalls of the agent, and telling nobody its machine id.
 *
 * <p>Derived as {@code sd_id128_get_machine_app_specific(3)} derives it, so that {@code systemd-id128 machine-id
 * --app-specific=6b6d6f64666c6565742d686f73742d31} prints the same 32 digits on the host.
 */
public record HostId(@JsonValue String value) implements Comparable<HostId> {

    private static final int DIGITS = 32;
    private static final byte[] APPLICATION = HexFormat.of().parseHex("6b6d6f64666c6565742d686f73742d31");

    @JsonCreator
    public HostId {
        if (!Grammar.isHex(value, DIGITS)) {
            throw new IllegalArgumentException("Expected a host id of 32 hexadecimal digits, but got '" + value + "'");
        }
    }

    /** @param machineId the content of {@code /etc/machine-id}: 32 hexadecimal digits (machine-id(5)) */
    public static HostId fromMachineId(String machineId) {
        String id = machineId.strip();
        if (!Grammar.isHex(id, DIGITS)) {
            throw new IllegalArgumentException("Expected 32 hexadecimal digits in /etc/machine-id, but got "
                    + id.length() + " characters. " + "Run systemd-machine-id-setup");
        }
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(HexFormat.of().parseHex(id), "HmacSHA256"));
            byte[] hash = mac.doFinal(APPLICATION);
            // The bits that mark a random UUID (RFC 9562 section 5.4), as systemd sets them.
            hash[6] = (byte) (hash[6] & 0x0f | 0x40);
            hash[8] = (byte) (hash[8] & 0x3f | 0x80);
            return new HostId(HexFormat.of().formatHex(hash, 0, 16));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Expected every JDK to have HmacSHA256", e);
        }
    }

    @Override
    public int compareTo(HostId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
