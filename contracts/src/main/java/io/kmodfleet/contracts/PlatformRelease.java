package io.kmodfleet.contracts;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A release of the backup platform, as {@code 6.10}: two numbers, so that 6.9 is before 6.10. */
public record PlatformRelease(int major, int minor) implements Comparable<PlatformRelease> {

    private static final Pattern FORM = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})");

    public static PlatformRelease parse(String text) {
        Matcher matcher = FORM.matcher(text == null ? "" : text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "Expected a platform release like \"6.10\" (in quotes), but got '" + text + "'");
        }
        return new PlatformRelease(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
    }

    @Override
    public int compareTo(PlatformRelease other) {
        int order = Integer.compare(major, other.major);
        return order != 0 ? order : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
