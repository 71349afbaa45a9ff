package io.kmodfleet.contracts;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A C compiler, by its own first line of {@code --version} or by {@code CONFIG_CC_VERSION_TEXT} of a kernel. A module built by
 * another major version than its kernel may not load, or misbehave.
 *
 * @param text the line, as {@code gcc (Debian 12.2.0-14+deb12u1) 12.2.0}
 */
public record Compiler(String text) {

    private static final Pattern VERSION = Pattern.compile("(?:^|[ -])(\\d{1,3})\\.\\d+(?:\\.\\d+)?(?= |$)");

    public Compiler {
        Grammar.line("compiler", text);
    }

    /** The family and major version, as {@code gcc 12}; what is not understood stands for itself. */
    public String major() {
        String withoutRemarks = text.replaceAll("\\([^()]*\\)", " ");
        Matcher version = VERSION.matcher(withoutRemarks);
        String family = text.contains("clang") ? "clang" : text.contains("gcc") || text.contains("GCC") ? "gcc" : "";
        return version.find() && !family.isEmpty() ? family + " " + version.group(1) : text;
    }
}
