package io.kmodfleet.coordinator.board;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How a host stands, in one word. Wire names in lower case; on the map and in what is kept of the past, by ordinal: new ones last. */
public enum Safety {
    /** It would boot without a module that is wanted there, and was refused it. */
    REFUSED("refused", "would boot without its module, and something must change first"),
    /** It would boot without a module, and that waits for something outside: a window, a first boot, a key, a person. */
    WAITING("waiting", "not safe, and waits for something that the reason names"),
    /** Nothing is known of its kernels, or no policy is published. */
    UNKNOWN("unknown", "no kernel image can be read, or no policy is published"),
    /** Not safe, and what makes it so is under way: a build, a first try, an installation. */
    UNDER_WAY("will be safe", "a build or an installation is under way"),
    /** The kernel that boots next has every module that the policy wants. */
    SAFE("safe", "the next kernel has every module that is wanted"),
    /** Nothing is heard of its agent any more, whatever word it had before. Only of now: the ledger knows nothing of it. */
    SILENT("silent", "nothing is heard of its agent, so what is known of it may be old"),
    /** It would boot without a module, and somebody lives with that: with the very answers that it has. */
    ACCEPTED("accepted", "not safe, and somebody accepted that for a reason");

    private static final List<Safety> WORST_FIRST =
            List.of(REFUSED, SILENT, WAITING, UNKNOWN, UNDER_WAY, ACCEPTED, SAFE);

    private final String words;
    private final String meaning;

    Safety(String words, String meaning) {
        this.words = words;
        this.meaning = meaning;
    }

    /** All, in the order in which people see to them. */
    public static List<Safety> worstFirst() {
        return WORST_FIRST;
    }

    /** For people. */
    public String words() {
        return words;
    }

    public String meaning() {
        return meaning;
    }

    /** In addresses, JSON and styles. */
    public String code() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Optional<Safety> parse(String code) {
        for (Safety safety : values()) {
            if (safety.code().equals(code)) {
                return Optional.of(safety);
            }
        }
        return Optional.empty();
    }
}
