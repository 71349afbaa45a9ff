package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything an agent found on its host, whole: a later report replaces an earlier one.
 *
 * @param hostname for people; nothing is looked up by it
 * @param os what runs there
 * @param arch as in {@code uname -m}
 * @param observeOnly whether the agent was told to change nothing
 * @param checks what building needs on this host, whatever the kernel
 * @param kernels the kernels it has, in the order of their releases
 * @param labels what its admin calls it, as {@code role=database}: groups of the policy go by them
 * @param compiler the C compiler it would build with
 * @param secureBoot whether its firmware lets only signed modules in; absent where that was not looked at
 */
public record HostReport(
        String hostname,
        OperatingSystem os,
        String arch,
        boolean observeOnly,
        List<Check> checks,
        List<KernelState> kernels,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) SortedMap<String, String> labels,
        Optional<Compiler> compiler,
        Optional<SecureBoot> secureBoot) {

    public HostReport {
        Grammar.line("host name", hostname);
        Objects.requireNonNull(os, "os");
        Grammar.arch(arch);
        checks = List.copyOf(checks);
        kernels = List.copyOf(kernels);
        labels = labels == null || labels.isEmpty()
                ? Collections.emptySortedMap()
                : Collections.unmodifiableSortedMap(new TreeMap<>(labels));
        labels.forEach((label, value) -> Grammar.label(label, value));
        compiler = Absent.orEmpty(compiler);
        secureBoot = Absent.orEmpty(secureBoot);
    }

    /** @param enrolledKeys key ids in hexadecimal of the keys that modules may be signed with there */
    public record SecureBoot(boolean enabled, List<String> enrolledKeys) {
        public SecureBoot {
            enrolledKeys = List.copyOf(enrolledKeys);
        }
    }

    public Optional<KernelState> kernel(String release) {
        return kernels.stream()
                .filter(kernel -> kernel.identity().release().equals(release))
                .findFirst();
    }
}
