package io.kmodfleet.store.catalogue;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.stream.Stream;

/** What a package is to the fleet. The coordinator decides it. */
public enum State {
    /** Found right, and not shown yet by a host. */
    CANDIDATE,
    /** A host has shown what the policy asks for. */
    PROVEN,
    /** No host gets it any more. */
    RECALLED;

    @JsonValue
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static State of(String word) {
        return Stream.of(values())
                .filter(state -> state.word().equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "Expected 'candidate', 'proven' or 'recalled', but got '" + word + "'"));
    }
}
