package io.kmodfleet.store.serve;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The bytes that a {@code Range} header asks for (RFC 9110, section 14.1.2); one range only. */
record ByteRange(long first, long length) {

    private static final Pattern FORM = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

    /** The header asks for bytes that the file does not have. */
    static final class NotSatisfiable extends Exception {}

    /** Empty where the whole file is to be sent: no header, several ranges, or one that is malformed. */
    static Optional<ByteRange> parse(String header, long size) throws NotSatisfiable {
        Matcher matcher = FORM.matcher(header == null ? "" : header.strip());
        if (!matcher.matches() || matcher.group(1).isEmpty() && matcher.group(2).isEmpty()) {
            return Optional.empty();
        }
        if (matcher.group(1).isEmpty()) {
            long last = Math.min(size, Long.parseLong(matcher.group(2)));
            if (last == 0) {
                throw new NotSatisfiable();
            }
            return Optional.of(new ByteRange(size - last, last));
        }
        long first = Long.parseLong(matcher.group(1));
        long end = matcher.group(2).isEmpty() ? size - 1 : Long.parseLong(matcher.group(2));
        if (!matcher.group(2).isEmpty() && end < first) {
            return Optional.empty();
        }
        if (first >= size) {
            throw new NotSatisfiable();
        }
        return Optional.of(new ByteRange(first, Math.min(end, size - 1) - first + 1));
    }

    String contentRange(long size) {
        return "bytes " + first + "-" + (first + length - 1) + "/" + size;
    }
}
