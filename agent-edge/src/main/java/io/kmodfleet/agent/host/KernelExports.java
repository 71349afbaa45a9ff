package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.module.Compression;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.module.NotSymvers;
import io.kmodfleet.contracts.module.Symvers;
import io.kmodfleet.contracts.module.Symvers.Offer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a kernel of a host offers to modules: the CRCs out of {@code Module.symvers}, which comes with its headers, and the rest
 * by a module that came with the kernel itself.
 */
public final class KernelExports {

    /** Those of the kernel itself first, then by the module that exports them, and by name. */
    private static final Comparator<Map.Entry<String, Offer>> KERNEL_ITSELF_FIRST = Comparator.comparing(
                    (Map.Entry<String, Offer> symbol) ->
                            !symbol.getValue().exporter().equals("vmlinux"))
            .thenComparing(symbol -> symbol.getValue().exporter())
            .thenComparing(Map.Entry::getKey);

    /** As JSON, without the CRC, its name has: two pairs of quotes, a colon, a comma. */
    private static final int AROUND_A_SYMBOL = 8 + 6;

    private final HostRoot root;

    public KernelExports(HostRoot root) {
        this.root = root;
    }

    /**
     * Those of the kernel itself first, then those of its modules, as many as fit: a symbol left out only means that a package
     * is not shared.
     *
     * @param mostBytes room for the symbols, as JSON
     * @return none where the host has no {@code Module.symvers} of that kernel, or none of its modules
     */
    public Optional<KernelInterface> of(String release, int mostBytes) {
        Optional<ModuleFile> own = moduleOfKernel(release);
        Optional<Symvers> symvers = own.flatMap(any -> symvers(release));
        if (symvers.isEmpty()) {
            return Optional.empty();
        }
        TreeMap<String, String> crcs = new TreeMap<>();
        int room = mostBytes;
        for (Map.Entry<String, Offer> symbol : symvers.get().offers().entrySet().stream()
                .sorted(KERNEL_ITSELF_FIRST)
                .toList()) {
            room -= symbol.getKey().length() + AROUND_A_SYMBOL;
            if (room >= 0) {
                crcs.put(symbol.getKey(), symbol.getValue().crc());
            }
        }
        return Optional.of(
                new KernelInterface(own.get().info().flags(), own.get().structSize(), crcs));
    }

    /**
     * Why a module that was built for another image does not fit this kernel; empty where nothing speaks against it. Where the
     * host has no {@code Module.symvers}, the CRCs are not looked at: the kernel does that when it loads the module.
     */
    public Optional<String> misfit(ModuleFile module, String release) {
        Optional<KernelInterface> needs = module.needs();
        Optional<ModuleFile> own = moduleOfKernel(release);
        if (needs.isEmpty()) {
            return Optional.of("it does not say which symbols it needs");
        }
        if (own.isEmpty()) {
            return Optional.of("kernel " + release + " has no module of its own here to compare with");
        }
        if (!own.get().info().flags().equals(needs.get().flags())) {
            return Optional.of("it is for a kernel with '" + needs.get().flags() + "', and " + release + " has '"
                    + own.get().info().flags() + "'");
        }
        if (own.get().structSize() != needs.get().moduleSize()) {
            return Optional.of("its struct module has " + needs.get().moduleSize() + " bytes, and that of " + release
                    + " has " + own.get().structSize());
        }
        Map<String, Offer> offers;
        try {
            offers = readSymvers(release).offers();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException | NotSymvers e) {
            return Optional.of("Module.symvers of kernel " + release + " cannot be read here: " + e.getMessage());
        }
        return needs.get().crcs().entrySet().stream()
                .map(symbol -> misfit(symbol.getKey(), symbol.getValue(), offers, release))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> misfit(String symbol, String crc, Map<String, Offer> offers, String release) {
        String offered = offers.containsKey(symbol) ? offers.get(symbol).crc() : "none";
        return offered.equals(crc)
                ? Optional.empty()
                : Optional.of("symbol " + symbol + " has CRC " + crc + " in it, and " + offered + " in " + release);
    }

    /** What every module of this kernel says it is for, where the kernel has modules of its own here. */
    public Optional<String> vermagic(String release) {
        return moduleOfKernel(release).map(module -> module.info().vermagic());
    }

    private Optional<Symvers> symvers(String release) {
        try {
            return Optional.of(readSymvers(release));
        } catch (IOException | NotSymvers e) {
            return Optional.empty();
        }
    }

    private Symvers readSymvers(String release) throws IOException, NotSymvers {
        return Symvers.parse(Files.readAllBytes(root.at("/lib/modules/" + release + "/build/Module.symvers")));
    }

    private Optional<ModuleFile> moduleOfKernel(String release) {
        try (Stream<Path> files = Files.walk(root.at("/lib/modules/" + Grammar.release(release) + "/kernel"), 8)) {
            Optional<Path> first = files.filter(file -> Stream.of(Compression.values())
                            .anyMatch(compression -> file.toString().endsWith(compression.suffix())))
                    .filter(Files::isRegularFile)
                    .findFirst();
            return first.isPresent() ? Optional.of(ModuleFile.read(Files.readAllBytes(first.get()))) : Optional.empty();
        } catch (IOException | java.io.UncheckedIOException | NotAModule e) {
            return Optional.empty();
        }
    }
}
