package io.kmodfleet.agent.host;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What only the admin of a host is shown, beyond what the coordinator is told.
 *
 * @param lockdown what the kernel denies even to root ({@code none}, {@code integrity}, {@code confidentiality}); absent where the
 *     kernel does not say
 * @param loaded the modules that count here and are loaded, and from which file
 * @param dkms what dkms keeps
 * @param packages of each kernel, those that had been installed
 * @param signers names of the keys that signed modules, by key id, where signatures say them
 * @param devices the mounted block devices
 */
public record HostDetail(
        Optional<String> lockdown,
        List<Loaded> loaded,
        List<DkmsEntry> dkms,
        Map<String, List<KernelPackage>> packages,
        Map<String, String> signers,
        List<BlockDevice> devices) {

    /**
     * A module in the kernel that runs.
     *
     * @param file the file that it is made of, as the host names it; absent where none of that name is: then it was replaced or
     *     removed after it was loaded
     * @param users how many use it; a module in use is never unloaded
     */
    public record Loaded(String name, Optional<String> file, Optional<Integer> users) {}
}
