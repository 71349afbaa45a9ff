package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.module.Compression;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a kernel of a host offers to modules: the CRCs out of {@code Module.symvers}, which comes with its headers, and the rest
 * by a module that came with the kernel itself.
 */
public final class KernelExports {

    /** {@code 0x<crc> symbol file export-type [namespace]}, by tabs (Documentation/kbuild/modules.rst). */
    private static final Pattern LINE = Pattern.compile("0x([0-9a-f]{8})\t([^\t]+)\t([^\t]+)\t.*");

    private static final String KERNEL_ITSELF = "vmlinux";

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
        Optional<Map<String, Map<String, String>>> symbols = own.flatMap(any -> symvers(release));
        if (symbols.isEmpty()) {
            return Optional.empty();
        }
        TreeMap<String, String> crcs = new TreeMap<>();
        int room = mostBytes;
        for (boolean ofKernel : new boolean[] {true, false}) {
            for (Map.Entry<String, Map<String, String>> file : symbols.get().entrySet()) {
                if (file.getKey().equals(KERNEL_ITSELF) != ofKernel) {
                    continue;
                }
                for (Map.Entry<String, String> symbol : file.getValue().entrySet()) {
                    room -= symbol.getKey().length() + AROUND_A_SYMBOL;
                    if (room >= 0) {
                        crcs.put(symbol.getKey(), symbol.getValue());
                    }
                }
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
        Map<String, String> offered = new TreeMap<>();
        symvers(release).ifPresent(files -> files.values().forEach(offered::putAll));
        if (offered.isEmpty()) {
            return Optional.empty();
        }
        return needs.get().crcs().entrySet().stream()
                .filter(symbol -> !symbol.getValue().equals(offered.get(symbol.getKey())))
                .findFirst()
                .map(symbol -> "symbol " + symbol.getKey() + " has CRC " + symbol.getValue() + " in it, and "
                        + offered.getOrDefault(symbol.getKey(), "none") + " in " + release);
    }

    /** What every module of this kernel says it is for, where the kernel has modules of its own here. */
    public Optional<String> vermagic(String release) {
        return moduleOfKernel(release).map(module -> module.info().vermagic());
    }

    /** By the file that exports them, in the order of the file's names. */
    private Optional<Map<String, Map<String, String>>> symvers(String release) {
        Map<String, Map<String, String>> files = new TreeMap<>();
        Path symvers = root.at("/lib/modules/" + release + "/build/Module.symvers");
        try (BufferedReader lines = Files.newBufferedReader(symvers, StandardCharsets.ISO_8859_1)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                var symbol = LINE.matcher(line);
                if (symbol.matches()) {
                    files.computeIfAbsent(symbol.group(3), any -> new TreeMap<>())
                            .put(symbol.group(2), symbol.group(1));
                }
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        return files.isEmpty() ? Optional.empty() : Optional.of(files);
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
