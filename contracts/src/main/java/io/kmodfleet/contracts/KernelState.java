package io.kmodfleet.contracts;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a host has of one kernel.
 *
 * @param identity which kernel; without an image digest where only headers or modules are installed
 * @param running whether the host runs it now
 * @param symbolMap what its System.map is worth
 * @param initramfs whether it has an initial RAM file system
 * @param imageInstalledAt when the image came
 * @param headersInstalledAt when the headers came; absent without headers
 * @param checks what building for this kernel needs beyond what the host has for all of them
 * @param modules the out-of-tree modules it has (those below {@code updates/} and {@code extra/})
 * @param nextBoot whether the boot loader starts it next; absent where that was not found out
 * @param compiler what built it, by its config
 */
public record KernelState(
        KernelIdentity identity,
        boolean running,
        SymbolMap symbolMap,
        boolean initramfs,
        Optional<Instant> imageInstalledAt,
        Optional<Instant> headersInstalledAt,
        List<Check> checks,
        List<InstalledModule> modules,
        Optional<Boolean> nextBoot,
        Optional<Compiler> compiler) {

    public KernelState {
        Objects.requireNonNull(identity, "identity");
        Objects.requireNonNull(symbolMap, "symbolMap");
        imageInstalledAt = Absent.orEmpty(imageInstalledAt);
        headersInstalledAt = Absent.orEmpty(headersInstalledAt);
        checks = List.copyOf(checks);
        modules = List.copyOf(modules);
        nextBoot = Absent.orEmpty(nextBoot);
        compiler = Absent.orEmpty(compiler);
    }
}
