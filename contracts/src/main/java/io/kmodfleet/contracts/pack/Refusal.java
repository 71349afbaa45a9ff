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
        /** Its file, its {@code .modinfo} and its {@code struct module} do not give the module one name. */
        NAMES_DIFFER,
        /** A module built out of the tree that says it came with the kernel. */
        CLAIMS_IN_TREE,
        /** A symbol without a CRC, which the kernel would bind with a mere warning. */
        SYMBOL_WITHOUT_CRC,
        /** A symbol with more than one CRC. */
        SYMBOL_WITH_TWO_CRCS,
        /** The basic and the extended table of CRCs do not say the same. */
        CRCS_CONTRADICT,
        /** No CRC of {@code module_layout}, on which everything else rests. */
        NO_MODULE_LAYOUT,
        /** {@code .modinfo} is not what it was in the release of this module version that was approved first. */
        MODINFO_DRIFT,
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
