package io.kmodfleet.contracts;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A module file below {@code /lib/modules/K} of one kernel.
 *
 * @param name as in {@code lsmod}
 * @param version the version the agent installed, else {@code .modinfo}'s
 * @param file path on the host
 * @param body SHA-256 of the unsigned, uncompressed bytes
 * @param vermagic from {@code .modinfo}
 * @param srcversion from {@code .modinfo}
 * @param changedAt when the file was last written
 * @param image the kernel image it was built for, where the agent installed it and therefore knows
 * @param loaded whether the running kernel has this very module
 * @param inInitramfs whether the kernel's initial RAM file system has it; absent where that was not looked at
 * @param signer key id in hexadecimal of the key that signed it; absent where it is not signed
 */
public record InstalledModule(
        String name,
        Optional<String> version,
        String file,
        Digest body,
        Optional<String> vermagic,
        Optional<String> srcversion,
        Optional<Instant> changedAt,
        Optional<Digest> image,
        boolean loaded,
        Optional<Boolean> inInitramfs,
        Optional<String> signer) {

    public InstalledModule {
        Grammar.module(name);
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(body, "body");
        version = Absent.orEmpty(version);
        vermagic = Absent.orEmpty(vermagic);
        srcversion = Absent.orEmpty(srcversion);
        changedAt = Absent.orEmpty(changedAt);
        image = Absent.orEmpty(image);
        inInitramfs = Absent.orEmpty(inInitramfs);
        signer = Absent.orEmpty(signer);
    }
}
