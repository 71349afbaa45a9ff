package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.Objects;

/** The coordinator's answer to one host about one kernel and module, with the reason and the facts it rests on. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "decision")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Decision.Keep.class, name = "keep"),
    @JsonSubTypes.Type(value = Decision.Reuse.class, name = "reuse"),
    @JsonSubTypes.Type(value = Decision.Build.class, name = "build"),
    @JsonSubTypes.Type(value = Decision.Wait.class, name = "wait"),
    @JsonSubTypes.Type(value = Decision.Reject.class, name = "reject"),
})
public sealed interface Decision {

    DecisionId id();

    Subject subject();

    Reason reason();

    List<Fact> facts();

    <R> R match(Cases<R> cases);

    /** One method per answer. Whoever handles decisions handles all of them. */
    interface Cases<R> {
        R on(Keep decision);

        R on(Reuse decision);

        R on(Build decision);

        R on(Wait decision);

        R on(Reject decision);
    }

    /** What the host has is right. */
    record Keep(DecisionId id, Subject subject, Reason reason, List<Fact> facts) implements Decision {

        /** Name of the fact that says what keeps a right module from serving, and its two values. */
        public static final String MISSING = "missing";

        public static final String NOT_IN_INITRAMFS = "not in the initramfs";
        public static final String NOT_LOADED = "not loaded";

        public Keep {
            requireAll(id, subject, reason);
            facts = List.copyOf(facts);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The host installs a package that exists. */
    record Reuse(
            DecisionId id,
            Subject subject,
            Reason reason,
            BuildTarget target,
            String moduleVersion,
            Digest packageDigest,
            Proof proof,
            List<Fact> facts)
            implements Decision {
        public Reuse {
            requireAll(id, subject, reason, target, packageDigest, proof);
            Grammar.version(moduleVersion);
            facts = List.copyOf(facts);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The host builds the target, for itself and for everybody. */
    record Build(
            DecisionId id, Subject subject, Reason reason, BuildTarget target, String moduleVersion, List<Fact> facts)
            implements Decision {
        public Build {
            requireAll(id, subject, reason, target);
            Grammar.version(moduleVersion);
            facts = List.copyOf(facts);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The host keeps what it has until something that the facts name has happened. */
    record Wait(DecisionId id, Subject subject, Reason reason, List<Fact> facts) implements Decision {
        public Wait {
            requireAll(id, subject, reason);
            facts = List.copyOf(facts);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * The host keeps what it has; never final.
     *
     * @param missing the checks that failed on this host, each with the command that mends it
     */
    record Reject(DecisionId id, Subject subject, Reason reason, List<Check> missing, List<Fact> facts)
            implements Decision {

        /** Name of the fact that is there where knowing what the kernel exports might help. */
        public static final String EXPORTS = "exports";

        /** Name of the fact that names hosts which could build it, were they not held. */
        public static final String HELD = "held";

        public Reject {
            requireAll(id, subject, reason);
            missing = List.copyOf(missing);
            facts = List.copyOf(facts);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    private static void requireAll(Object... components) {
        for (Object component : components) {
            Objects.requireNonNull(component, "Expected every part of a decision, but one is missing");
        }
    }
}
