package io.kmodfleet.contracts.module;

import java.util.Objects;

/**
 * A symbol that a module does not define and that the kernel must supply when it loads it.
 *
 * @param weak whether it is loaded without it too
 */
public record Import(String name, boolean weak) {
    public Import {
        Objects.requireNonNull(name, "name");
    }
}
