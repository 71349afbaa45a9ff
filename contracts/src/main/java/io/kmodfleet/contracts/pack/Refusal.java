package io.kmodfleet.contracts.pack;

import java.util.Objects;

/** Why an archive is not taken: the rule that it breaks, and what was seen. */
public final class Refusal extends Exception {

    /** Wire names; one is never renamed. */
    public enum Rule {
        /** The bytes are not those that the digest names: cut off or changed on the way. */
        DIGEST_MISMATCH,
        /** More bytes than an archive of this kind may have. */
        TOO_LARGE,
        /** No whole gzip-compressed tar. */
        NOT_AN_ARCHIVE,
        /** A member that does not belong there, is missing, stands twice, or is no regular file. */
        WRONG_MEMBERS,
        /** {@code manifest.json} is not one. */
        MANIFEST_UNREADABLE,
        /** What the manifest says is not what the files are. */
        MANIFEST_LIES,
        /** A {@code .ko} that is no kernel module. */
        NOT_A_MODULE,
        /** A module built for another kernel than the target. */
        WRONG_KERNEL,
        /** The source package it was built from is not published, or it is of another module or version. */
        WRONG_SOURCE,
        /** A source package without a usable {@code dkms.conf}. */
        BAD_DKMS_CONF,
        /** What is given as symbols or configuration of a kernel, and is none. */
        NOT_AN_INPUT
    }

    private final Rule rule;

    public Refusal(Rule rule, String evidence) {
        super(evidence);
        this.rule = Objects.requireNonNull(rule, "rule");
    }

    public Rule rule() {
        return rule;
    }

    public String evidence() {
        return getMessage();
    }
}
