package io.kmodfleet.coordinator.board;

import java.util.Locale;
import java.util.Optional;

/**
 * Which hosts are meant; every part that is there must fit.
 *
 * @param text in the host name, or at the beginning of the host id; without regard to case
 * @param label {@code name=value}, or a name alone for any value
 */
public record Filter(
        Optional<Safety> safety,
        Optional<String> os,
        Optional<String> kernel,
        Optional<String> module,
        Optional<String> reason,
        Optional<String> label,
        Optional<String> text) {

    public static final Filter ALL = new Filter(
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());

    public Filter {
        os = given(os);
        kernel = given(kernel);
        module = given(module);
        reason = given(reason);
        label = given(label);
        text = given(text).map(part -> part.toLowerCase(Locale.ROOT));
    }

    /** The same whatever the state. */
    public Filter inAnyState() {
        return new Filter(Optional.empty(), os, kernel, module, reason, label, text);
    }

    public boolean isAll() {
        return equals(ALL);
    }

    private static Optional<String> given(Optional<String> part) {
        return part.map(String::strip).filter(words -> !words.isEmpty());
    }
}
