package io.kmodfleet.contracts.module;

/** This text is no {@code Module.symvers}, and what is wrong with it. */
public final class NotSymvers extends Exception {
    NotSymvers(String message) {
        super(message);
    }
}
