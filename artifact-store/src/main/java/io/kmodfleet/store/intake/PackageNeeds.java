package io.kmodfleet.store.intake;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the modules of a package ask of a kernel, all together. Where that cannot be told whole, nothing is told: then nobody
 * takes the package for another image.
 */
final class PackageNeeds {

    private PackageNeeds() {}

    /** @param binding as the source says: addresses of one image are no symbols */
    static Optional<KernelInterface> of(ModulePackage read, Binding binding) throws Refusal {
        if (binding == Binding.EXACT_IMAGE) {
            return Optional.empty();
        }
        Optional<KernelInterface> all = Optional.empty();
        for (byte[] file : read.moduleFiles()) {
            Optional<KernelInterface> one = moduleOf(file).needs();
            all = all.isEmpty() ? one : union(all.get(), one);
            if (one.isEmpty() || all.isEmpty()) {
                return Optional.empty();
            }
        }
        return all;
    }

    private static Optional<KernelInterface> union(KernelInterface known, Optional<KernelInterface> other) {
        if (other.isEmpty()
                || !other.get().flags().equals(known.flags())
                || other.get().moduleSize() != known.moduleSize()) {
            return Optional.empty();
        }
        SortedMap<String, String> crcs = new TreeMap<>(known.crcs());
        crcs.putAll(other.get().crcs());
        boolean contradict = known.crcs().entrySet().stream()
                .anyMatch(symbol -> !symbol.getValue().equals(crcs.get(symbol.getKey())));
        return contradict
                ? Optional.empty()
                : Optional.of(new KernelInterface(known.flags(), known.moduleSize(), crcs));
    }

    private static ModuleFile moduleOf(byte[] file) throws Refusal {
        try {
            return ModuleFile.read(file);
        } catch (NotAModule e) {
            throw new Refusal(Rule.NOT_A_MODULE, e.getMessage());
        }
    }
}
