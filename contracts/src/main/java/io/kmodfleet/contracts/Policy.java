package io.kmodfleet.contracts;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What people decided beforehand. A document: it takes effect when it is published as an observation, and from there on only.
 *
 * @param schema version of this document's form: 1
 * @param platformRelease the installed release of the backup platform, which {@link SystemRule#since} is compared with
 * @param kernels supported kernels where a system says nothing else
 * @param architectures supported architectures, as in {@code uname -m}
 * @param systems supported operating systems
 * @param modules what every host shall have
 * @param limits how often and how much
 */
public record Policy(
        int schema,
        String platformRelease,
        KernelRange kernels,
        List<String> architectures,
        List<SystemRule> systems,
        List<WantedModule> modules,
        Limits limits) {

    public static final int SCHEMA = 1;

    public Policy {
        if (schema != SCHEMA) {
            throw new IllegalArgumentException("Expected a policy with 'schema: " + SCHEMA + "', but got " + schema);
        }
        PlatformRelease.parse(platformRelease);
        Objects.requireNonNull(kernels, "Expected 'kernels' with 'from' and 'to'");
        architectures = List.copyOf(Objects.requireNonNull(architectures, "Expected a list 'architectures'"));
        systems = List.copyOf(Objects.requireNonNull(systems, "Expected a list 'systems'"));
        modules = List.copyOf(Objects.requireNonNull(modules, "Expected a list 'modules' (it may be empty)"));
        limits = limits == null ? new Limits(2) : limits;
        if (modules.stream().map(WantedModule::name).distinct().count() < modules.size()) {
            throw new IllegalArgumentException("Expected every module once, but 'modules' names one twice");
        }
    }

    public Optional<WantedModule> module(String name) {
        return modules.stream().filter(module -> module.name().equals(name)).findFirst();
    }

    public Optional<SystemRule> system(OperatingSystem os) {
        return systems.stream().filter(rule -> rule.names(os)).findFirst();
    }

    /** The kernels that this system's hosts may have. */
    public KernelRange kernelsOf(SystemRule rule) {
        return rule.kernels().orElse(kernels);
    }

    public boolean isInstalled(PlatformRelease since) {
        return since.compareTo(PlatformRelease.parse(platformRelease)) <= 0;
    }

    /**
     * @param id {@code ID} of os-release
     * @param version {@code VERSION_ID}, whole or up to a dot: {@code 9} names 9 and 9.4
     * @param since first platform release that supports it
     * @param kernels where it differs from the policy's own range (CentOS ships kernels below 5.15)
     */
    public record SystemRule(String id, String version, String since, Optional<KernelRange> kernels) {

        public SystemRule {
            Objects.requireNonNull(id, "Expected 'id' in every system");
            Objects.requireNonNull(version, "Expected 'version' in every system");
            PlatformRelease.parse(since);
            kernels = Absent.orEmpty(kernels);
        }

        boolean names(OperatingSystem os) {
            return id.equals(os.id())
                    && (version.equals(os.versionId()) || os.versionId().startsWith(version + "."));
        }

        public PlatformRelease sinceRelease() {
            return PlatformRelease.parse(since);
        }
    }

    /**
     * @param name the module, as in {@code lsmod}
     * @param version {@code PACKAGE_VERSION} of its source
     * @param source SHA-256 of the published source package
     * @param binding how tightly it is tied to a kernel
     * @param proof what must have been seen of a package on one host before others get it
     */
    public record WantedModule(String name, String version, Digest source, Binding binding, Proof proof) {

        public WantedModule {
            Grammar.module(name);
            Grammar.version(version);
            Objects.requireNonNull(source, "Expected 'source', the digest of the published source package");
            binding = binding == null ? Binding.EXACT_IMAGE : binding;
            proof = proof == null ? Proof.LOAD : proof;
        }
    }

    /** @param failuresPerTarget failed builds after which a target is given up until its source changes */
    public record Limits(int failuresPerTarget) {

        public Limits {
            if (failuresPerTarget < 1) {
                throw new IllegalArgumentException(
                        "Expected 'failuresPerTarget' of at least 1, but got " + failuresPerTarget);
            }
        }
    }
}
