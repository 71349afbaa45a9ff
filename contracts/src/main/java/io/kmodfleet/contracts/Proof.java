package io.kmodfleet.contracts;

/** What was seen of a package on a host; each proof includes those before it. */
public enum Proof {
    /** It is installed and {@code modules.dep} knows it. */
    INSTALL,
    /** The running kernel loaded it. */
    LOAD,
    /** The self-test of the operator's source package passed. */
    SELF_TEST;

    public boolean covers(Proof wanted) {
        return compareTo(wanted) >= 0;
    }
}
