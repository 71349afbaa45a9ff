package io.kmodfleet.contracts.module;

/** These bytes are no kernel module that the kernel would take, and what is wrong with them. */
public final class NotAModule extends Exception {
    NotAModule(String message) {
        super(message);
    }
}
