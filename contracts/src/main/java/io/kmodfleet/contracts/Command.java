package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Objects;
import java.util.Optional;

/** What the coordinator makes an agent do. Sent at least once; who obeys recognises a repeat by its id. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "command")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Command.BuildModule.class, name = "build-module"),
    @JsonSubTypes.Type(value = Command.InstallPackage.class, name = "install-package"),
    @JsonSubTypes.Type(value = Command.ActivateModule.class, name = "activate-module"),
    @JsonSubTypes.Type(value = Command.NoteDecision.class, name = "note-decision"),
    @JsonSubTypes.Type(value = Command.Acknowledge.class, name = "acknowledge"),
})
public sealed interface Command {

    /** Whom it is for. */
    HostId host();

    <R> R match(Cases<R> cases);

    /** One method per command. Whoever handles commands handles all of them. */
    interface Cases<R> {
        R on(BuildModule command);

        R on(InstallPackage command);

        R on(ActivateModule command);

        R on(NoteDecision command);

        R on(Acknowledge command);
    }

    /** The command that makes a host obey a decision. */
    static Command carryingOut(Decision decision) {
        return decision.match(new Decision.Cases<>() {
            @Override
            public Command on(Decision.Keep keep) {
                return keep.reason() == Reason.NOT_ACTIVATED ? new ActivateModule(keep) : new NoteDecision(keep);
            }

            @Override
            public Command on(Decision.Reuse reuse) {
                return new InstallPackage(reuse, Optional.empty());
            }

            @Override
            public Command on(Decision.Build build) {
                return new BuildModule(build);
            }

            @Override
            public Command on(Decision.Wait wait) {
                return new NoteDecision(wait);
            }

            @Override
            public Command on(Decision.Reject reject) {
                return new NoteDecision(reject);
            }
        });
    }

    /** Fetch the source, build it with dkms, upload the package. */
    record BuildModule(Decision.Build decision) implements Command {
        public BuildModule {
            Objects.requireNonNull(decision, "decision");
        }

        @Override
        public HostId host() {
            return decision.subject().host();
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * Fetch the package, verify it, install it.
     *
     * @param selfTest whether the self-test of the operator's source package is to be run when it is loaded: on a canary, where
     *     the policy asks for that proof
     */
    record InstallPackage(Decision.Reuse decision, Optional<Boolean> selfTest) implements Command {
        public InstallPackage {
            Objects.requireNonNull(decision, "decision");
            selfTest = Absent.orEmpty(selfTest);
        }

        public boolean asksForSelfTest() {
            return selfTest.orElse(false);
        }

        @Override
        public HostId host() {
            return decision.subject().host();
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** What is installed is right and does not serve yet: depmod, initramfs, load. */
    record ActivateModule(Decision.Keep decision) implements Command {
        public ActivateModule {
            Objects.requireNonNull(decision, "decision");
        }

        @Override
        public HostId host() {
            return decision.subject().host();
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** Nothing to do: remember the answer, so that the admin of the host can read it there. */
    record NoteDecision(Decision decision) implements Command {
        public NoteDecision {
            Objects.requireNonNull(decision, "decision");
        }

        @Override
        public HostId host() {
            return decision.subject().host();
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The ledger holds every observation of this host up to and including this one: the journal may forget them. */
    record Acknowledge(HostId host, long epoch, long sequence) implements Command {
        public Acknowledge {
            Objects.requireNonNull(host, "host");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }
}
