package io.kmodfleet.contracts;

import java.util.Objects;

/** One thing a decision rests on, as it was known then. */
public record Fact(String name, String value) {

    public Fact {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(value, "value");
    }

    public static Fact of(String name, Object value) {
        return new Fact(name, String.valueOf(value));
    }
}
