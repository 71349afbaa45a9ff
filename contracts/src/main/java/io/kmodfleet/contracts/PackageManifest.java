package io.kmodfleet.contracts;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * {@code manifest.json} of a package: what its builder says it is. A claim; the store reads the truth out of the files.
 *
 * @param format version of the package format: 1
 * @param module module name of the source package
 * @param moduleVersion its version
 * @param target what was built
 * @param kernel the kernel it was built for, as its builder saw it
 * @param modules the kernel modules in it, at least one
 * @param dkmsConf SHA-256 of {@code dkms.conf}
 * @param compiler first line of the compiler's {@code --version}
 * @param dkms first line of {@code dkms --version}
 * @param builder who built it
 * @param build the decision it was built for; absent where a person had it built
 * @param log SHA-256 of the build log
 * @param builtAt when the build ended
 */
public record PackageManifest(
        int format,
        String module,
        String moduleVersion,
        BuildTarget target,
        KernelIdentity kernel,
        List<PackagedModule> modules,
        Digest dkmsConf,
        String compiler,
        String dkms,
        HostId builder,
        Optional<DecisionId> build,
        Digest log,
        Instant builtAt) {

    public static final int FORMAT = 1;

    public PackageManifest {
        if (format != FORMAT) {
            throw new IllegalArgumentException("Expected package format " + FORMAT + ", but got " + format);
        }
        Grammar.module(module);
        Grammar.version(moduleVersion);
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(kernel, "kernel");
        modules = List.copyOf(modules);
        if (modules.isEmpty()) {
            throw new IllegalArgumentException(
                    "Expected at least one module in a package, but the manifest names none");
        }
        Objects.requireNonNull(dkmsConf, "dkmsConf");
        Objects.requireNonNull(compiler, "compiler");
        Objects.requireNonNull(dkms, "dkms");
        Objects.requireNonNull(builder, "builder");
        build = Absent.orEmpty(build);
        Objects.requireNonNull(log, "log");
        Objects.requireNonNull(builtAt, "builtAt");
    }

    /** {@code <module>-<kernel release>-<module version>.tar.gz}, the product guide's name (6.5). */
    public String fileName() {
        return module + "-" + target.release() + "-" + moduleVersion + ".tar.gz";
    }

    /**
     * @param name the module's own name
     * @param file member name in the package, as {@code module/v4l2loopback.ko.xz}
     * @param digest SHA-256 of that member
     * @param body SHA-256 of the unsigned, uncompressed bytes
     * @param vermagic from {@code .modinfo}, with its trailing space
     * @param srcversion from {@code .modinfo}
     */
    public record PackagedModule(
            String name, String file, Digest digest, Digest body, String vermagic, Optional<String> srcversion) {

        public PackagedModule {
            Grammar.module(name);
            Objects.requireNonNull(file, "file");
            Objects.requireNonNull(digest, "digest");
            Objects.requireNonNull(body, "body");
            Objects.requireNonNull(vermagic, "vermagic");
            srcversion = Absent.orEmpty(srcversion);
        }
    }
}
