package io.kmodfleet.contracts.wire;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Which trace something belongs to, and what it was that caused it: the {@code traceparent} of W3C Trace Context (level 1, section
 * 3.2), in records of Kafka as in HTTP. It is for people who look for what took how long; nothing is ever decided on it.
 *
 * @param trace 32 hexadecimal digits, the same from the first report to the last result
 * @param span 16 hexadecimal digits: who sent this
 * @param sampled whether whoever sent it would have it recorded
 */
public record TraceContext(String trace, String span, boolean sampled) {

    /** The name of the header, in records and in requests. */
    public static final String HEADER = "traceparent";

    private static final int LENGTH = 55;

    public TraceContext {
        Objects.requireNonNull(trace, "trace");
        Objects.requireNonNull(span, "span");
        if (!isId(trace, 32) || !isId(span, 16)) {
            throw new IllegalArgumentException("Expected 32 and 16 hexadecimal digits that are not all 0, but got '"
                    + trace + "' and '" + span + "'");
        }
    }

    /** A trace that begins here. */
    public static TraceContext begin() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return new TraceContext(
                hex(random.nextLong()) + hex(notZero(random.nextLong())), hex(notZero(random.nextLong())), true);
    }

    /** Something else in the same trace. */
    public TraceContext next() {
        return new TraceContext(trace, hex(notZero(ThreadLocalRandom.current().nextLong())), sampled);
    }

    /** The entry of the ledger at that position, in this trace: the same whoever computes it, and whenever. */
    public TraceContext atPosition(long position) {
        return new TraceContext(trace, spanAt(position), sampled);
    }

    /** The span of the ledger's entry at that position. */
    public static String spanAt(long position) {
        // The finalizer of SplitMix64: positions that follow each other have nothing in common.
        long mixed = position + 0x9e3779b97f4a7c15L;
        mixed = (mixed ^ (mixed >>> 30)) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
        return hex(notZero(mixed ^ (mixed >>> 31)));
    }

    /** Empty for whatever is none: a trace that is not understood is not followed, and stops nothing. */
    public static Optional<TraceContext> read(String header) {
        if (header == null || header.length() < LENGTH) {
            return Optional.empty();
        }
        boolean ofThisVersion = header.startsWith("00-") && header.length() == LENGTH;
        // Later versions begin alike and may go on (section 3.2.4); ff is none.
        boolean ofLater = !header.startsWith("00")
                && !header.startsWith("ff")
                && isHex(header, 0, 2)
                && (header.length() == LENGTH || header.charAt(LENGTH) == '-');
        if (!ofThisVersion && !ofLater
                || header.charAt(2) != '-'
                || header.charAt(35) != '-'
                || header.charAt(52) != '-'
                || !isHex(header, 53, 55)) {
            return Optional.empty();
        }
        String trace = header.substring(3, 35);
        String span = header.substring(36, 52);
        return isId(trace, 32) && isId(span, 16)
                ? Optional.of(new TraceContext(trace, span, (Character.digit(header.charAt(54), 16) & 1) == 1))
                : Optional.empty();
    }

    /** @param header as it stands in a record, or null */
    public static Optional<TraceContext> read(byte[] header) {
        return header == null || header.length > 512
                ? Optional.empty()
                : read(new String(header, StandardCharsets.ISO_8859_1));
    }

    /** As it stands in a header. */
    @Override
    public String toString() {
        return "00-" + trace + "-" + span + (sampled ? "-01" : "-00");
    }

    private static boolean isHex(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
                return false;
            }
        }
        return true;
    }

    /** Digits that are not all 0. */
    private static boolean isId(String text, int length) {
        if (text.length() != length || !isHex(text, 0, length)) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (text.charAt(i) != '0') {
                return true;
            }
        }
        return false;
    }

    private static long notZero(long number) {
        return number == 0 ? 1 : number;
    }

    private static String hex(long number) {
        return HexFormat.of().toHexDigits(number);
    }
}
