package io.kmodfleet.store.vault;

import com.fasterxml.jackson.annotation.JsonValue;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What is kept of a kernel, and how it is told from anything else. */
enum InputKind {
    /** CRCs of the symbols that it exports; written by modpost (Documentation/kbuild/modules.rst). */
    SYMVERS("module-symvers", "0x[0-9a-fA-F]{1,16}\\t\\S+\\t\\S*\\t?\\S*\\t?\\S*", 100),
    /** Addresses of its symbols, as nm prints them; one of a kernel that hides them is all zeros. */
    SYMBOL_MAP("system-map", "(?!0+ )[0-9a-f]{8,16} [A-Za-z] \\S+.*", 1_000),
    /** Its configuration; with it, the compiler that built it. */
    CONFIG("config", "CONFIG_[A-Za-z0-9_]+=.*", 100);

    private static final Pattern COMPILER = Pattern.compile("(?m)^CONFIG_CC_VERSION_TEXT=\"([^\"\\n]{1,200})\"$");

    private final String word;
    private final Pattern line;
    private final int fewest;

    InputKind(String word, String line, int fewest) {
        this.word = word;
        this.line = Pattern.compile(line);
        this.fewest = fewest;
    }

    /** In addresses and in the catalogue. */
    @JsonValue
    String word() {
        return word;
    }

    static Optional<InputKind> of(String word) {
        return Stream.of(values()).filter(kind -> kind.word.equals(word)).findFirst();
    }

    /** Whether it is one at all; what it says of the kernel, nobody but that host knows. */
    void check(byte[] content) throws Refusal {
        long found = text(content)
                .lines()
                .filter(each -> line.matcher(each).matches())
                .limit(fewest)
                .count();
        if (found < fewest) {
            throw new Refusal(
                    Rule.NOT_AN_INPUT,
                    "Expected at least " + fewest + " lines of a " + word + ", but there are " + found);
        }
    }

    /** Of a configuration, where it says so. */
    Optional<String> compiler(byte[] content) {
        return this == CONFIG
                ? COMPILER.matcher(text(content)).results().findFirst().map(found -> found.group(1))
                : Optional.empty();
    }

    private static String text(byte[] content) {
        return new String(content, StandardCharsets.ISO_8859_1);
    }
}
