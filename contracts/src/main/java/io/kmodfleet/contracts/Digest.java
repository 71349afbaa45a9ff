package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256, written {@code sha256:} and 64 lower-case hexadecimal digits. What a file is called everywhere. */
public record Digest(String hex) implements Comparable<Digest> {

    private static final String PREFIX = "sha256:";
    private static final int DIGITS = 64;

    public Digest {
        if (!Grammar.isHex(hex, DIGITS)) {
            throw new IllegalArgumentException("Expected 64 lower-case hexadecimal digits, but got '" + hex + "'");
        }
    }

    @JsonCreator
    public static Digest parse(String text) {
        if (text == null || !text.startsWith(PREFIX)) {
            throw new IllegalArgumentException("Expected a digest like sha256:<64 hex digits>, but got '" + text + "'");
        }
        return Shared.of(new Digest(text.substring(PREFIX.length())));
    }

    public static Digest of(byte[] bytes) {
        return new Digest(HexFormat.of().formatHex(sha256().digest(bytes)));
    }

    /** The digest that a finished {@link MessageDigest} of {@link #sha256()} stands for. */
    public static Digest of(MessageDigest finished) {
        return new Digest(HexFormat.of().formatHex(finished.digest()));
    }

    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Expected every JDK to have SHA-256", e);
        }
    }

    /** The first twelve digits, for people. */
    public String brief() {
        return hex.substring(0, 12);
    }

    @Override
    public int compareTo(Digest other) {
        return hex.compareTo(other.hex);
    }

    @JsonValue
    @Override
    public String toString() {
        return PREFIX + hex;
    }
}
