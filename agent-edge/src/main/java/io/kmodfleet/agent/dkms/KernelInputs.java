package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.SymbolMap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * What modules for this host's kernels are built and checked with, given to the store where it does not have it yet: once for each
 * kernel image in the whole fleet. Mirrors drop headers; a fleet keeps its kernels longer.
 */
public final class KernelInputs {

    private static final Logger LOG = Logger.getLogger(KernelInputs.class);
    private static final List<String> KINDS = List.of("module-symvers", "config", "system-map");
    private static final Duration REMEMBERED = Duration.ofDays(7);

    private final HostRoot root;
    private final HostId host;
    private final SymbolMaps maps;
    private final StoreClient store;
    private final Path scratch;
    private final Path memory;
    private final Clock clock;

    /** @param state of the agent; a symbol map is made in there */
    public KernelInputs(HostRoot root, HostId host, HostPrograms programs, StoreClient store, Path state, Clock clock) {
        this.root = root;
        this.host = host;
        this.maps = new SymbolMaps(root, programs);
        this.store = store;
        this.scratch = state.resolve("inputs");
        this.memory = state.resolve("inputs.told");
        this.clock = clock;
    }

    /**
     * Asks the store what it lacks of these kernels and gives it. Where the store is away, that is left to the next look. What it has or
     * refused is not offered again for some days: it may lose it.
     */
    public void offer(List<KernelState> kernels) throws InterruptedException {
        Set<String> settled = remembered();
        int before = settled.size();
        try {
            for (KernelState kernel : kernels) {
                if (kernel.identity().image().isPresent()) {
                    offer(kernel, kernel.identity().image().get(), settled);
                }
            }
        } catch (IOException e) {
            LOG.debugf("kernel inputs not offered, tried again at the next look error=%s", e);
        }
        if (settled.size() != before) {
            remember(settled);
        }
    }

    private void offer(KernelState kernel, Digest image, Set<String> settled) throws IOException, InterruptedException {
        Optional<Set<String>> known = Optional.empty();
        for (String kind : KINDS) {
            String what = image.hex() + "/" + kind;
            if (settled.contains(what) || !mayHave(kind, kernel)) {
                continue;
            }
            if (known.isEmpty()) {
                known = Optional.of(store.inputsOf(image));
            }
            Optional<byte[]> content = known.get().contains(kind) ? Optional.empty() : read(kind, kernel);
            if (content.isPresent()) {
                give(image, kind, kernel, content.get());
            }
            settled.add(what);
        }
    }

    private Set<String> remembered() {
        try {
            boolean old = Files.getLastModifiedTime(memory)
                    .toInstant()
                    .isBefore(clock.instant().minus(REMEMBERED));
            return old ? new TreeSet<>() : new TreeSet<>(Files.readAllLines(memory));
        } catch (IOException e) {
            return new TreeSet<>();
        }
    }

    private void remember(Set<String> settled) {
        try {
            Files.write(memory, settled);
        } catch (IOException e) {
            LOG.debugf("not remembered what the store was told error=%s", e);
        }
    }

    private void give(Digest image, String kind, KernelState kernel, byte[] content)
            throws IOException, InterruptedException {
        String release = kernel.identity().release();
        try {
            store.giveInput(image, kind, release, kernel.identity().arch(), host, content);
            LOG.infof("given to the store kind=%s kernel=%s", kind, release);
        } catch (StoreClient.Refused e) {
            LOG.warnf("the store does not keep it kind=%s kernel=%s error=%s", kind, release, e.getMessage());
        }
    }

    /** Cheap: the store is not asked about what is not here. */
    private boolean mayHave(String kind, KernelState kernel) {
        return switch (kind) {
            case "module-symvers" -> kernel.headersInstalledAt().isPresent();
            case "system-map" -> kernel.symbolMap() == SymbolMap.USABLE;
            default -> true;
        };
    }

    private Optional<byte[]> read(String kind, KernelState kernel) throws IOException, InterruptedException {
        String release = kernel.identity().release();
        return switch (kind) {
            case "module-symvers" -> file("/lib/modules/" + release + "/build/Module.symvers");
            case "system-map" -> map(kernel);
            default -> {
                Optional<byte[]> config = file("/boot/config-" + release);
                yield config.isPresent() ? config : file("/lib/modules/" + release + "/config");
            }
        };
    }

    private Optional<byte[]> map(KernelState kernel) throws IOException, InterruptedException {
        try {
            Optional<SymbolMaps.Offered> map = maps.forBuild(kernel, scratch.resolve("boot"));
            return map.isPresent()
                    ? Optional.of(Files.readAllBytes(map.get().map().file()))
                    : Optional.empty();
        } finally {
            if (Files.isDirectory(scratch)) {
                try (Stream<Path> made = Files.walk(scratch)) {
                    for (Path path : made.sorted(Comparator.reverseOrder()).toList()) {
                        Files.delete(path);
                    }
                }
            }
        }
    }

    private Optional<byte[]> file(String place) throws IOException {
        Path file = root.at(place);
        return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
    }
}
