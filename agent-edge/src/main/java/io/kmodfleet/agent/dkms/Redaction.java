package io.kmodfleet.agent.dkms;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Takes out of a build's log what looks like a secret, before a line of it leaves the host: a Makefile may print its environment. What
 * it may miss is the reason why logs are for operators only. One for each log, for a key has many lines.
 */
final class Redaction {

    private static final String INSTEAD = "[redacted]";
    private static final Pattern KEY_BEGIN = Pattern.compile("-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----");
    private static final Pattern KEY_END = Pattern.compile("-----END [A-Z0-9 ]*PRIVATE KEY-----");

    /** Each hides what follows its first group. */
    private static final List<Pattern> SECRETS = List.of(
            Pattern.compile("(?i)(\\bauthorization\\s*[:=]\\s*)(?:(?:bearer|basic|token)\\s+)?[^\\s\"']+"),
            Pattern.compile(
                    "(?i)(\\b[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|api_?-?key|access_?-?key|credential)s?[a-z0-9_-]*"
                            + "[\"']?\\s*[=:]\\s*)(?:\"[^\"]*\"|'[^']*'|[^\\s\"']+)"),
            Pattern.compile("(?i)(\\b[a-z][a-z0-9+.-]*://[^/\\s:@]*:)[^/\\s@]+(?=@)"),
            Pattern.compile("()\\bAKIA[0-9A-Z]{16}\\b"),
            Pattern.compile("()\\bgh[pousr]_[A-Za-z0-9]{20,}"),
            Pattern.compile("()\\bglpat-[A-Za-z0-9_-]{20,}"),
            Pattern.compile("()\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+"));

    private boolean inKey;

    /** @param line without its end; the same where nothing is hidden */
    String line(String line) {
        if (inKey) {
            inKey = !KEY_END.matcher(line).find();
            return INSTEAD;
        }
        if (KEY_BEGIN.matcher(line).find()) {
            inKey = !KEY_END.matcher(line).find();
            return INSTEAD;
        }
        String shown = line;
        for (Pattern secret : SECRETS) {
            shown = secret.matcher(shown).replaceAll("$1" + "\\" + INSTEAD);
        }
        return shown;
    }

    /** Every line of it; where nothing is hidden, the very same bytes come out of the same encoding. */
    static String text(String text) {
        Redaction redaction = new Redaction();
        StringBuilder shown = new StringBuilder(text.length());
        int from = 0;
        for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
            shown.append(redaction.line(text.substring(from, end))).append('\n');
            from = end + 1;
        }
        return from == text.length()
                ? shown.toString()
                : shown.append(redaction.line(text.substring(from))).toString();
    }
}
