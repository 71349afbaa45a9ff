package io.kmodfleet.contracts;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Supported kernel releases, compared by major and minor number, both ends included: {@code 5.15} to {@code 6.8} holds
 * every 6.8.x (product guide, table in 2.1).
 */
public record KernelRange(String from, String to) {

    private static final Pattern MAJOR_MINOR = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})(?!\\d).*");

    public KernelRange {
        if (rank(from) > rank(to)) {
            throw new IllegalArgumentException(
                    "Expected a kernel range from low to high, but got " + from + " to " + to);
        }
    }

    /** Whether the release is inside; a release that does not start with two numbers is outside of every range. */
    public boolean contains(String release) {
        if (!MAJOR_MINOR.matcher(release).matches()) {
            return false;
        }
        int rank = rank(release);
        return rank(from) <= rank && rank <= rank(to);
    }

    private static int rank(String text) {
        Matcher matcher = MAJOR_MINOR.matcher(text == null ? "" : text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("Expected a kernel version like 5.15, but got '" + text + "'");
        }
        return Integer.parseInt(matcher.group(1)) * 10_000 + Integer.parseInt(matcher.group(2));
    }

    @Override
    public String toString() {
        return from + " to " + to;
    }
}
