package io.kmodfleet.store;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A module source that no other test has, and packages of it. */
public record Toy(String version, byte[] conf, byte[] source) {

    public static final String RELEASE = "6.1.0-56-amd64";

    private static final AtomicInteger VERSIONS = new AtomicInteger();

    public static Toy another() {
        String version = "1." + VERSIONS.incrementAndGet();
        byte[] conf = """
                PACKAGE_NAME="toy"
                PACKAGE_VERSION="%s"
                BUILT_MODULE_NAME[0]="toy"
                NO_WEAK_MODULES="yes"
                """.formatted(version).getBytes(StandardCharsets.UTF_8);
        byte[] code = ("int toy; /* " + "x".repeat(2000) + " */").getBytes(StandardCharsets.UTF_8);
        return new Toy(
                version,
                conf,
                SourcePackage.write(
                        List.of(new SourceFile("dkms.conf", conf, false), new SourceFile("toy.c", code, false))));
    }

    public static byte[] module() {
        return ModuleFixture.module("toy", RELEASE).bytes();
    }

    /** The truth about that file. */
    public static PackagedModule truth(byte[] module) {
        return new PackagedModule(
                "toy",
                "module/toy.ko",
                Digest.of(module),
                Digest.of(module),
                RELEASE + " SMP preempt mod_unload modversions ",
                Optional.of("0123456789ABCDEF0123456"));
    }

    public byte[] archive() {
        return archive(module(), truth(module()));
    }

    public byte[] archive(byte[] module, PackagedModule claimed) {
        return archive(version, conf, module, claimed);
    }

    public byte[] archive(String claimedVersion, byte[] packedConf, byte[] module, PackagedModule claimed) {
        return archive(claimedVersion, packedConf, module, claimed, "gcc 12");
    }

    /** By another builder, so to say. */
    public byte[] archive(byte[] module, PackagedModule claimed, String compiler) {
        return archive(version, conf, module, claimed, compiler);
    }

    private byte[] archive(
            String claimedVersion, byte[] packedConf, byte[] module, PackagedModule claimed, String compiler) {
        BuildTarget target = new BuildTarget(Digest.of(source), "x86_64", RELEASE, Samples.digest("image"));
        KernelIdentity kernel = new KernelIdentity(
                "x86_64", RELEASE, Optional.empty(), Optional.of(target.image()), Optional.empty(), Optional.empty());
        PackageManifest manifest = new PackageManifest(
                PackageManifest.FORMAT,
                "toy",
                claimedVersion,
                target,
                kernel,
                List.of(claimed),
                Digest.of(packedConf),
                compiler,
                "dkms-3.0.10",
                Samples.HOST,
                Optional.of(Samples.ID),
                Samples.digest("log"),
                Samples.AT);
        return ModulePackage.write(manifest, packedConf, List.of(module));
    }
}
