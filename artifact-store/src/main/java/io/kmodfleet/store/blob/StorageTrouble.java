package io.kmodfleet.store.blob;

import java.io.IOException;

/** The place where blobs lie cannot be reached, refuses, or takes too long; it was tried more than once. */
public final class StorageTrouble extends IOException {

    private final boolean slow;

    StorageTrouble(String message, boolean slow, Throwable cause) {
        super(message, cause);
        this.slow = slow;
    }

    /** Whether it was there and did not answer in time. */
    public boolean isSlow() {
        return slow;
    }
}
