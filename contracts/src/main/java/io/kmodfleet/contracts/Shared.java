package io.kmodfleet.contracts;

/**
 * Equal values read one after the other become one object: thousands of hosts have the same system, kernel and module, and a
 * coordinator keeps all their reports. A cache without a promise: it may forget anything at any time, and never grows.
 */
public final class Shared {

    private static final int SLOTS = 1 << 14;
    private static final Object[] SEEN = new Object[SLOTS];

    private Shared() {}

    /** An equal value; perhaps one that was seen before. Values must not change. Races only cost a copy. */
    @SuppressWarnings("unchecked")
    public static <T> T of(T value) {
        int hash = value.hashCode();
        int slot = (hash ^ hash >>> 15) & SLOTS - 1;
        Object seen = SEEN[slot];
        if (value.equals(seen)) {
            return (T) seen;
        }
        SEEN[slot] = value;
        return value;
    }
}
