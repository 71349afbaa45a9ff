package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a {@code dkms.conf} says about its module (dkms(8), section DKMS.CONF). The file is bash and dkms runs it; here it is
 * only read: plain assignments, with plain variables in them. What needs a shell to be known is unknown.
 *
 * @param name {@code PACKAGE_NAME}
 * @param version {@code PACKAGE_VERSION}
 * @param modules {@code BUILT_MODULE_NAME[n]}; the package name where there is none
 * @param binding {@link Binding#EXACT_IMAGE} where {@code NO_WEAK_MODULES} is set
 */
public record DkmsConf(String name, String version, List<String> modules, Binding binding) {

    /** In characters; real ones have one or two thousand. */
    private static final int LONGEST = 64 * 1024;

    /** Of a value, in characters: without a bound, a variable made of two of another doubles with every line. */
    private static final int LONGEST_VALUE = 1024;

    private static final String MODULE_NAME = "BUILT_MODULE_NAME";
    private static final Pattern ASSIGNMENT = Pattern.compile("\\s*([A-Za-z_]+)(?:\\[(\\d+)])?=(.*)");
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{?([A-Za-z_]+)}?");

    public static DkmsConf parse(String text) throws Refusal {
        if (text.length() > LONGEST) {
            throw new Refusal(
                    Rule.BAD_DKMS_CONF,
                    "Expected a dkms.conf of at most " + LONGEST + " characters, but it has " + text.length());
        }
        Map<String, String> values = new LinkedHashMap<>();
        for (String line : text.split("\n")) {
            Matcher matcher = ASSIGNMENT.matcher(line);
            if (matcher.matches()) {
                String key = key(matcher.group(1), matcher.group(2));
                plain(matcher.group(3), values).ifPresent(value -> values.put(key, value));
            }
        }
        String name = required(values, "PACKAGE_NAME");
        String version = required(values, "PACKAGE_VERSION");
        try {
            Grammar.module(name);
            Grammar.version(version);
            List<String> modules = modulesOf(values, name);
            boolean exact = values.getOrDefault("NO_WEAK_MODULES", "")
                    .toLowerCase(java.util.Locale.ROOT)
                    .startsWith("y");
            return new DkmsConf(name, version, modules, exact ? Binding.EXACT_IMAGE : Binding.SYMBOL_CRC);
        } catch (IllegalArgumentException e) {
            throw new Refusal(Rule.BAD_DKMS_CONF, "In dkms.conf: " + e.getMessage());
        }
    }

    /** The first element of an array and the variable of its name are the same to bash. */
    private static String key(String name, String index) {
        return index == null || index.equals("0") ? name : name + "[" + index + "]";
    }

    private static List<String> modulesOf(Map<String, String> values, String name) {
        List<String> modules = new ArrayList<>();
        String first = values.getOrDefault(MODULE_NAME, "");
        modules.add(Grammar.module(first.isEmpty() ? name : first));
        for (int i = 1; values.containsKey(key(MODULE_NAME, Integer.toString(i))); i++) {
            modules.add(Grammar.module(values.get(key(MODULE_NAME, Integer.toString(i)))));
        }
        return List.copyOf(modules);
    }

    private static String required(Map<String, String> values, String key) throws Refusal {
        String value = values.get(key);
        if (value == null || value.isEmpty()) {
            throw new Refusal(
                    Rule.BAD_DKMS_CONF,
                    "Expected " + key + "=\"…\" in dkms.conf, but there is none that can be read without a shell");
        }
        return value;
    }

    /** The value as bash would see it, where it takes no more than quotes and variables assigned before. */
    private static Optional<String> plain(String raw, Map<String, String> known) {
        String text = raw.strip();
        boolean single = text.startsWith("'");
        if (single || text.startsWith("\"")) {
            int end = text.indexOf(text.charAt(0), 1);
            if (end < 0) {
                return Optional.empty();
            }
            text = text.substring(1, end);
        } else {
            text = text.split("[\\s;#]", 2)[0];
        }
        if (single) {
            return Optional.of(text);
        }
        StringBuilder expanded = new StringBuilder();
        Matcher matcher = VARIABLE.matcher(text);
        while (matcher.find()) {
            String value = known.get(matcher.group(1));
            if (value == null) {
                return Optional.empty();
            }
            matcher.appendReplacement(expanded, Matcher.quoteReplacement(value));
            if (expanded.length() > LONGEST_VALUE) {
                return Optional.empty();
            }
        }
        matcher.appendTail(expanded);
        String value = expanded.toString();
        return value.contains("$") || value.contains("`") ? Optional.empty() : Optional.of(value);
    }
}
