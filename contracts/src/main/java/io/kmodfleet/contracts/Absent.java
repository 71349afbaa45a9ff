package io.kmodfleet.contracts;

import java.util.Optional;

/** A component that JSON left out is empty, never null. */
final class Absent {

    private Absent() {}

    @SuppressWarnings("OptionalAssignedToNull")
    static <T> Optional<T> orEmpty(Optional<T> value) {
        return value == null ? Optional.empty() : value;
    }
}
