package io.kmodfleet.contracts;

/** What a host has of a kernel's System.map. */
public enum SymbolMap {
    /** A map that holds {@code __per_cpu_start} and kernel text symbols; or the kernel runs, and shows them itself. */
    USABLE,
    /** A file is there but says nothing, as Debian's one-line System.map. */
    STUB,
    /** No file. */
    MISSING
}
