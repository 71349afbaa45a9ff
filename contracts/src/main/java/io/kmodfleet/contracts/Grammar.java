package io.kmodfleet.contracts;

import java.util.function.Predicate;

/**
 * The one grammar for names that end up in file names, command lines and URLs. A name never starts with a dash or a dot and
 * never holds a slash, a space or a control character, so it cannot become an option, a path or a second argument.
 */
public final class Grammar {

    // Loops, not patterns: every value that travels is checked, and every replay of a ledger makes them again.
    private static final Predicate<String> NAME = name -> isWord(name, 128, "_.+~-", false);
    private static final Predicate<String> MODULE = name -> isWord(name, 56, "_-", false);
    private static final Predicate<String> ARCH = name -> isWord(name, 16, "_", true);

    private Grammar() {}

    /** A kernel module's name as in {@code lsmod}, at most 56 characters ({@code MODULE_NAME_LEN} on 64-bit kernels). */
    public static String module(String value) {
        return check(MODULE, "module name", "letters, digits, '_' and '-', at most 56", value);
    }

    /** A module version as in {@code dkms.conf}'s {@code PACKAGE_VERSION}. */
    public static String version(String value) {
        return check(NAME, "module version", "letters, digits and _.+~-, not starting with a sign", value);
    }

    /** A kernel release as printed by {@code uname -r}. */
    public static String release(String value) {
        return check(NAME, "kernel release", "letters, digits and _.+~-, not starting with a sign", value);
    }

    /** An architecture as printed by {@code uname -m}. */
    public static String arch(String value) {
        return check(ARCH, "architecture", "lower-case letters, digits and '_', at most 16", value);
    }

    /** A line that people read: at most 256 characters, none of them a control character. */
    public static String line(String what, String value) {
        if (value == null || value.length() > 256 || value.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    "Expected a " + what + " of one line, at most 256 characters, but got " + shown(value));
        }
        return value;
    }

    /** A label of a host, as {@code role=database}: a name, and a line that people read. */
    public static void label(String label, String value) {
        check(NAME, "label", "letters, digits and _.+~-, not starting with a sign", label);
        line("value of label " + label, value);
    }

    /** Whether it is so many lower-case hexadecimal digits. */
    static boolean isHex(String text, int digits) {
        if (text == null || text.length() != digits) {
            return false;
        }
        for (int i = 0; i < digits; i++) {
            char c = text.charAt(i);
            if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
                return false;
            }
        }
        return true;
    }

    private static String check(Predicate<String> form, String what, String expected, String value) {
        if (value == null || !form.test(value)) {
            throw new IllegalArgumentException("Expected a " + what + " (" + expected + "), but got " + shown(value));
        }
        return value;
    }

    /** Letters and digits, and after the first one also these signs; an architecture is lower case and may begin with one. */
    private static boolean isWord(String text, int longest, String signs, boolean isArch) {
        if (text.isEmpty() || text.length() > longest) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean plain = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || !isArch && c >= 'A' && c <= 'Z';
            boolean sign = (i > 0 || isArch) && signs.indexOf(c) >= 0;
            if (!plain && !sign) {
                return false;
            }
        }
        return true;
    }

    private static String shown(String value) {
        if (value == null) {
            return "nothing";
        }
        String printable = value.replaceAll("\\p{Cntrl}", "?");
        return "'" + (printable.length() > 60 ? printable.substring(0, 60) + "…" : printable) + "'";
    }
}
