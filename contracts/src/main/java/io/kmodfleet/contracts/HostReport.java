package io.kmodfleet.contracts;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Everything an agent found on its host, whole: a later report replaces an earlier one.
 *
 * @param hostname for people; nothing is looked up by it
 * @param os what runs there
 * @param arch as in {@code uname -m}
 * @param observeOnly whether the agent was told to change nothing
 * @param checks what building needs on this host, whatever the kernel
 * @param kernels the kernels it has, in the order of their releases
 */
public record HostReport(
        String hostname,
        OperatingSystem os,
        String arch,
        boolean observeOnly,
        List<Check> checks,
        List<KernelState> kernels) {

    public HostReport {
        Grammar.line("host name", hostname);
        Objects.requireNonNull(os, "os");
        Grammar.arch(arch);
        checks = List.copyOf(checks);
        kernels = List.copyOf(kernels);
    }

    public Optional<KernelState> kernel(String release) {
        return kernels.stream()
                .filter(kernel -> kernel.identity().release().equals(release))
                .findFirst();
    }
}
