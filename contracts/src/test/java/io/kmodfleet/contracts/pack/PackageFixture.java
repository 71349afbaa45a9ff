package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** A source and packages of it, right in everything but what a test makes wrong. */
public final class PackageFixture {

    public static final byte[] DKMS_CONF = """
            PACKAGE_NAME="toy"
            PACKAGE_VERSION="1.0"
            BUILT_MODULE_NAME[0]="$PACKAGE_NAME"
            DEST_MODULE_LOCATION[0]="/updates/dkms"
            NO_WEAK_MODULES="yes"
            """.getBytes(StandardCharsets.UTF_8);

    public static final byte[] SOURCE = SourcePackage.write(
            List.of(new SourceFile("dkms.conf", DKMS_CONF, false), new SourceFile("src/toy.c", new byte[] {1}, false)));

    private static final String RELEASE = "6.1.0-56-amd64";

    private PackageFixture() {}

    public static byte[] module() {
        return ModuleFixture.module("toy", RELEASE).bytes();
    }

    /** A manifest that tells the truth about this file. */
    public static PackageManifest manifest(byte[] module) {
        BuildTarget target = new BuildTarget(Digest.of(SOURCE), "x86_64", RELEASE, Samples.digest("image"));
        KernelIdentity kernel = new KernelIdentity(
                "x86_64", RELEASE, Optional.empty(), Optional.of(target.image()), Optional.empty(), Optional.empty());
        PackagedModule packaged = new PackagedModule(
                "toy",
                "module/toy.ko",
                Digest.of(module),
                Digest.of(module),
                RELEASE + " SMP preempt mod_unload modversions ",
                Optional.of("0123456789ABCDEF0123456"));
        return with(target, kernel, packaged);
    }

    public static PackageManifest with(BuildTarget target, KernelIdentity kernel, PackagedModule packaged) {
        return new PackageManifest(
                1,
                "toy",
                "1.0",
                target,
                kernel,
                List.of(packaged),
                Digest.of(DKMS_CONF),
                "gcc 12",
                "dkms-3.0.10",
                Samples.HOST,
                Optional.of(Samples.ID),
                Samples.digest("log"),
                Samples.AT);
    }

    public static byte[] archive() {
        return ModulePackage.write(manifest(module()), DKMS_CONF, List.of(module()));
    }
}
