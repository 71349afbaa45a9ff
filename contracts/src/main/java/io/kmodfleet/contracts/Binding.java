package io.kmodfleet.contracts;

/** How tightly a module is tied to a kernel. */
public enum Binding {
    /** It holds addresses of one image ({@code NO_WEAK_MODULES=yes}): never for another image, whatever else agrees. */
    EXACT_IMAGE,
    /** It needs the exported symbols whose CRCs it was built with. */
    SYMBOL_CRC
}
