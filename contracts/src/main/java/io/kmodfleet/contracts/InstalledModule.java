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
        boolean loaded) {

    public InstalledModule {
        Grammar.module(name);
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(body, "body");
        version = Absent.orEmpty(version);
        vermagic = Absent.orEmpty(vermagic);
        srcversion = Absent.orEmpty(srcversion);
        changedAt = Absent.orEmpty(changedAt);
        image = Absent.orEmpty(image);
    }
}
