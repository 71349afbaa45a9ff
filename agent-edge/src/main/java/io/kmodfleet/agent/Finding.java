package io.kmodfleet.agent;

import java.util.List;
import java.util.Optional;

/**
 * Something on this host that is not as it should be.
 *
 * @param about the module, kernel or file that is meant
 * @param what was seen
 * @param why it matters
 * @param repairs what {@code --fix} does, in order; empty where only a person can
 * @param advice what a person does; empty where {@code --fix} does it
 */
record Finding(Kind kind, String about, String what, String why, List<Repair> repairs, Optional<String> advice) {

    Finding {
        repairs = List.copyOf(repairs);
    }

    /** Names for programs; one is never given another meaning. */
    enum Kind {
        /** Installed and right, its kernel runs, and it is not loaded. */
        NOT_LOADED,
        /** Wanted in the initial RAM file system, and not there: it is loaded too late for the root disk. */
        NOT_IN_INITRAMFS,
        /** Loaded from a file that is not there any more. */
        REPLACED_WHILE_LOADED,
        /** Built for another image, or before the image was installed: it may crash the host. */
        STALE_BUILD,
        /** Wanted and not installed. */
        NOT_INSTALLED,
        /** Headers without their image: what is built now may crash the host. */
        IMAGE_MISSING,
        /** The kernel that boots next has no initial RAM file system. */
        INITRAMFS_MISSING,
        /** dkms keeps something that it did not finish. */
        DKMS_HALF_DONE,
        /** dkms says otherwise than its files, or nothing that can be read. */
        DKMS_DISAGREES,
        /** An installation was cut off and left files. */
        LEFTOVER,
        /** What the agent remembers cannot be read. */
        MEMORY_UNREADABLE,
        /** What the agent has not told the coordinator yet cannot be read. */
        JOURNAL_UNREADABLE,
        /** Others may write where the agent trusts what it reads. */
        STATE_OPEN,
        /** The agent's directory is not its own to write. */
        STATE_CLOSED,
        /** Nobody looks after this host. */
        NO_AGENT
    }
}
