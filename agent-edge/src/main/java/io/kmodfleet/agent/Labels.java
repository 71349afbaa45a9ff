package io.kmodfleet.agent;

import io.kmodfleet.contracts.Grammar;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What an admin calls a host. */
public final class Labels {

    private Labels() {}

    /**
     * @param surroundings as {@code a=b,c=d}
     * @param options each as {@code a=b}; these win
     */
    public static SortedMap<String, String> of(String surroundings, List<String> options) {
        SortedMap<String, String> labels = new TreeMap<>();
        if (!surroundings.isBlank()) {
            for (String label : surroundings.split(",")) {
                add(labels, "KMODFLEET_LABELS", label.strip());
            }
        }
        options.forEach(label -> add(labels, "--label", label));
        return labels;
    }

    private static void add(SortedMap<String, String> labels, String where, String label) {
        int equals = label.indexOf('=');
        if (equals < 0) {
            throw new Trouble("Expected NAME=VALUE in " + where + ", as role=database, but got '"
                    + label.replaceAll("\\p{Cntrl}", "?") + "'.");
        }
        String name = label.substring(0, equals);
        String value = label.substring(equals + 1);
        try {
            Grammar.label(name, value);
        } catch (IllegalArgumentException e) {
            throw new Trouble("In " + where + ": " + e.getMessage() + ".");
        }
        labels.put(name, value);
    }
}
