package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.Digest;
import io.quarkus.qute.TemplateExtension;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.OptionalLong;

/** Numbers and times as people read them. */
@TemplateExtension(namespace = "say")
final class Say {

    private static final String THIN_SPACE = "\u2009";

    private Say() {}

    /** With a thin space between thousands. */
    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value).replace(",", THIN_SPACE);
    }

    static String number(int value) {
        return number((long) value);
    }

    static String count(long value, String one, String many) {
        return number(value) + " " + (value == 1 ? one : many);
    }

    /** In powers of 1024, with three digits at least where there are more than that many. */
    static String bytes(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        String form = unit == 0 || value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, form, value) + THIN_SPACE + units[unit];
    }

    static String percent(long part, long all) {
        int parts = 10_000;
        int rounded = all == 0 ? 0 : (int) (part * (double) parts / all);
        boolean isBetween = part > 0 && part < all;
        return percent(isBetween ? Math.max(1, Math.min(parts - 1, rounded)) : rounded, all == 0 ? 0 : parts);
    }

    /** A length of time; absent is none. */
    static String seconds(OptionalLong length) {
        return span(Duration.ofSeconds(length.orElse(0)));
    }

    /** Of all, in whole per cent; never 100 or 0 where that is not exactly so. */
    static String percent(int part, int all) {
        if (all == 0) {
            return "–";
        }
        if (part == 0 || part == all) {
            return (part == 0 ? 0 : 100) + THIN_SPACE + "%";
        }
        long rounded = Math.round(100.0 * part / all);
        return rounded == 0
                ? "<1" + THIN_SPACE + "%"
                : rounded == 100 ? ">99" + THIN_SPACE + "%" : rounded + THIN_SPACE + "%";
    }

    /** To the second, in UTC. */
    static String exact(Instant at) {
        return at.truncatedTo(ChronoUnit.SECONDS).toString().replace('T', ' ').replace("Z", " UTC");
    }

    static String ago(Instant at) {
        return ago(at, Instant.now());
    }

    static String ago(Instant at, Instant now) {
        long seconds = Duration.between(at, now).toSeconds();
        return seconds < 0
                ? "in " + span(Duration.ofSeconds(-seconds))
                : seconds < 2 ? "now" : span(Duration.ofSeconds(seconds)) + " ago";
    }

    /** The two largest units at most. */
    static String span(Duration length) {
        long seconds = length.toSeconds();
        if (seconds < 60) {
            return seconds + THIN_SPACE + "s";
        }
        if (seconds < 3_600) {
            return seconds / 60 + THIN_SPACE + "min";
        }
        if (seconds < 86_400) {
            long minutes = seconds / 60 % 60;
            return seconds / 3_600 + THIN_SPACE + "h" + (minutes == 0 ? "" : " " + minutes + THIN_SPACE + "min");
        }
        long hours = seconds / 3_600 % 24;
        return seconds / 86_400 + THIN_SPACE + "d" + (hours == 0 ? "" : " " + hours + THIN_SPACE + "h");
    }

    static String millis(long millis) {
        return millis < 1_000
                ? millis + THIN_SPACE + "ms"
                : millis < 60_000
                        ? String.format(Locale.ROOT, "%.1f", millis / 1_000.0) + THIN_SPACE + "s"
                        : span(Duration.ofMillis(millis));
    }

    static String brief(Digest digest) {
        return digest.brief();
    }

    /** Who observed: a host's id says nothing to people. */
    static String source(String source) {
        return source.length() == 32 ? "host" : source;
    }

    /** A code like UP_TO_DATE in words. */
    static String words(Enum<?> code) {
        return code.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    /** Control characters are shown, not sent. */
    static String plain(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            if (point < 0x20 && point != '\n' && point != '\t') {
                shown.appendCodePoint(0x2400 + point);
            } else if (point == 0x7f
                    || point >= 0x80 && point < 0xa0
                    || point >= 0x202a && point <= 0x202e
                    || point >= 0x2066 && point <= 0x2069) {
                shown.append('\ufffd');
            } else {
                shown.appendCodePoint(point);
            }
        });
        return shown.toString();
    }
}
