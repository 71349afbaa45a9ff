package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What the fleet tells the coordinator: facts in the past tense, never orders. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "observation")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Observation.HostReported.class, name = "host-reported"),
    @JsonSubTypes.Type(value = Observation.BuildSucceeded.class, name = "build-succeeded"),
    @JsonSubTypes.Type(value = Observation.BuildFailed.class, name = "build-failed"),
    @JsonSubTypes.Type(value = Observation.ModuleInstalled.class, name = "module-installed"),
    @JsonSubTypes.Type(value = Observation.InstallFailed.class, name = "install-failed"),
    @JsonSubTypes.Type(value = Observation.SourceStored.class, name = "source-stored"),
    @JsonSubTypes.Type(value = Observation.PackageStored.class, name = "package-stored"),
    @JsonSubTypes.Type(value = Observation.PackageRefused.class, name = "package-refused"),
    @JsonSubTypes.Type(value = Observation.PolicyPublished.class, name = "policy-published"),
    @JsonSubTypes.Type(value = Observation.PolicyApproved.class, name = "policy-approved"),
    @JsonSubTypes.Type(value = Observation.LoadFailed.class, name = "load-failed"),
    @JsonSubTypes.Type(value = Observation.KernelExportsReported.class, name = "kernel-exports-reported"),
    @JsonSubTypes.Type(value = Observation.PackageRecalled.class, name = "package-recalled"),
    @JsonSubTypes.Type(value = Observation.RetryRequested.class, name = "retry-requested"),
    @JsonSubTypes.Type(value = Observation.BuildOverdue.class, name = "build-overdue"),
    @JsonSubTypes.Type(value = Observation.DeadlinePassed.class, name = "deadline-passed"),
    @JsonSubTypes.Type(value = Observation.HostHeld.class, name = "host-held"),
    @JsonSubTypes.Type(value = Observation.HostReleased.class, name = "host-released"),
    @JsonSubTypes.Type(value = Observation.RiskAccepted.class, name = "risk-accepted"),
    @JsonSubTypes.Type(value = Observation.PackageDamaged.class, name = "package-damaged"),
    @JsonSubTypes.Type(value = Observation.PackageHealed.class, name = "package-healed"),
})
public sealed interface Observation {

    <R> R match(Cases<R> cases);

    /** One method per observation. Whoever handles observations handles all of them. */
    interface Cases<R> {
        R on(HostReported event);

        R on(BuildSucceeded event);

        R on(BuildFailed event);

        R on(ModuleInstalled event);

        R on(InstallFailed event);

        R on(SourceStored event);

        R on(PackageStored event);

        R on(PackageRefused event);

        R on(PolicyPublished event);

        R on(PolicyApproved event);

        R on(LoadFailed event);

        R on(KernelExportsReported event);

        R on(PackageRecalled event);

        R on(RetryRequested event);

        R on(BuildOverdue event);

        R on(DeadlinePassed event);

        R on(HostHeld event);

        R on(HostReleased event);

        R on(RiskAccepted event);

        R on(PackageDamaged event);

        R on(PackageHealed event);
    }

    /** A host looked at itself. Sent at start and whenever what it finds has changed. */
    record HostReported(HostId host, HostReport report) implements Observation {
        public HostReported {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(report, "report");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** A build ended well, and its package was uploaded. */
    record BuildSucceeded(
            HostId host, DecisionId build, BuildTarget target, Digest packageDigest, Digest log, long millis)
            implements Observation {
        public BuildSucceeded {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(build, "build");
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(log, "log");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * A build ended without a package.
     *
     * @param exitCode dkms's own, where it was dkms that failed
     * @param error the line that says most about it
     * @param log absent where there is none or it could not be stored
     */
    record BuildFailed(
            HostId host,
            DecisionId build,
            BuildTarget target,
            FailureClass failure,
            Optional<Integer> exitCode,
            String error,
            Optional<Digest> log)
            implements Observation {
        public BuildFailed {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(build, "build");
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(failure, "failure");
            Objects.requireNonNull(error, "error");
            exitCode = Absent.orEmpty(exitCode);
            log = Absent.orEmpty(log);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** What kind of failure a build had; another kind wants another answer. */
    enum FailureClass {
        /** The source does not build for this kernel with this toolchain. */
        BUILD,
        /** The source says itself that this kernel is not for it. */
        NOT_APPLICABLE,
        /** The host, the network or a service failed, not the build. */
        INFRASTRUCTURE
    }

    /** A package stands installed on a host. */
    record ModuleInstalled(HostId host, DecisionId command, BuildTarget target, Digest packageDigest, Proof proof)
            implements Observation {
        public ModuleInstalled {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(command, "command");
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(proof, "proof");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** A package could not be installed; the host has the module it had before. */
    record InstallFailed(
            HostId host, DecisionId command, BuildTarget target, Digest packageDigest, String step, String error)
            implements Observation {
        public InstallFailed {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(command, "command");
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(step, "step");
            Objects.requireNonNull(error, "error");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The store has a source package, and read this out of it. */
    record SourceStored(Digest source, String module, String moduleVersion, Binding binding) implements Observation {
        public SourceStored {
            Objects.requireNonNull(source, "source");
            Grammar.module(module);
            Grammar.version(moduleVersion);
            Objects.requireNonNull(binding, "binding");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * The store has a package, and found it to be what its manifest says.
     *
     * @param bodies of its modules
     * @param needs what its modules ask of a kernel; absent where the store did not say
     */
    record PackageStored(
            Digest packageDigest,
            BuildTarget target,
            String module,
            String moduleVersion,
            List<Digest> bodies,
            Optional<KernelInterface> needs)
            implements Observation {
        public PackageStored {
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(target, "target");
            Grammar.module(module);
            Grammar.version(moduleVersion);
            bodies = List.copyOf(bodies);
            needs = Absent.orEmpty(needs);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The store refused an upload. @param rule which of its rules it broke */
    record PackageRefused(Digest packageDigest, String rule, String evidence) implements Observation {
        public PackageRefused {
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(rule, "rule");
            Objects.requireNonNull(evidence, "evidence");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * Somebody published a policy. It is in force from here on, or when so many others have approved it as the policy in force
     * wants ({@link Policy#approvals}).
     */
    record PolicyPublished(String author, Policy policy) implements Observation {
        public PolicyPublished {
            Grammar.line("author", author);
            Objects.requireNonNull(policy, "policy");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * Somebody else looked at a policy that waits, and wants it too.
     *
     * @param published the ledger position at which it was published
     */
    record PolicyApproved(String author, long published) implements Observation {
        public PolicyApproved {
            Grammar.line("author", author);
            if (published < 1) {
                throw new IllegalArgumentException(
                        "Expected 'published' as a position of the ledger, from 1, but got " + published);
            }
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** A package is installed, and its kernel would not have it or the host did not stand it. */
    record LoadFailed(HostId host, DecisionId command, BuildTarget target, Digest packageDigest, String error)
            implements Observation {
        public LoadFailed {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(command, "command");
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(error, "error");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * What a kernel offers to modules: lets a package of another image be judged by its symbols.
     *
     * @param image SHA-256 of its vmlinuz file
     * @param exports as in its Module.symvers
     */
    record KernelExportsReported(HostId host, String arch, String release, Digest image, KernelInterface exports)
            implements Observation {
        public KernelExportsReported {
            Objects.requireNonNull(host, "host");
            Grammar.arch(arch);
            Grammar.release(release);
            Objects.requireNonNull(image, "image");
            Objects.requireNonNull(exports, "exports");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** Somebody recalled a package: no host gets it any more, and each that has it is answered anew. */
    record PackageRecalled(String author, BuildTarget target, Digest packageDigest, String why) implements Observation {
        public PackageRecalled {
            Grammar.line("author", author);
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(packageDigest, "packageDigest");
            Grammar.line("why", why);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * Somebody asks for what failed once more.
     *
     * @param host everything that this host waits for or was refused; absent where a target is named
     * @param target this target, for everybody; absent where a host is named
     */
    record RetryRequested(String author, Optional<HostId> host, Optional<BuildTarget> target) implements Observation {
        public RetryRequested {
            Grammar.line("author", author);
            host = Absent.orEmpty(host);
            target = Absent.orEmpty(target);
            if (host.isPresent() == target.isPresent()) {
                throw new IllegalArgumentException("Expected either a host or a target to try again");
            }
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** A build took longer than the policy allows; its builder may be gone. */
    record BuildOverdue(BuildTarget target, DecisionId build) implements Observation {
        public BuildOverdue {
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(build, "build");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** A time that hosts waited for has come: a pause before the next try is over, or a maintenance window is open. */
    record DeadlinePassed(BuildTarget target, Reason waitedFor) implements Observation {
        public DeadlinePassed {
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(waitedFor, "waitedFor");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** Somebody wants a host to be left as it is: it is given nothing new until somebody releases it. */
    record HostHeld(String author, HostId host, String why) implements Observation {
        public HostHeld {
            Grammar.line("author", author);
            Objects.requireNonNull(host, "host");
            Grammar.line("why", why);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /**
     * Somebody knows that a host would boot without a module, and lives with that: with the answers that are in force there now, not
     * with later ones. It changes no answer.
     *
     * @param why one line, for everybody who reads it later
     */
    record RiskAccepted(String author, HostId host, String why) implements Observation {
        public RiskAccepted {
            Grammar.line("author", author);
            Objects.requireNonNull(host, "host");
            Grammar.line("why", why);
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** A host that was held is served again. */
    record HostReleased(String author, HostId host) implements Observation {
        public HostReleased {
            Grammar.line("author", author);
            Objects.requireNonNull(host, "host");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The store has lost the bytes of a package, or found others in their place: it cannot be given to anybody. */
    record PackageDamaged(Digest packageDigest, BuildTarget target, String evidence) implements Observation {
        public PackageDamaged {
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(evidence, "evidence");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }

    /** The store has the right bytes of a package again that was damaged. */
    record PackageHealed(Digest packageDigest, BuildTarget target) implements Observation {
        public PackageHealed {
            Objects.requireNonNull(packageDigest, "packageDigest");
            Objects.requireNonNull(target, "target");
        }

        @Override
        public <R> R match(Cases<R> cases) {
            return cases.on(this);
        }
    }
}
