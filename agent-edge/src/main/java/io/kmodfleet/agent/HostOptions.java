package io.kmodfleet.agent;

import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.contracts.Digest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Which host is meant, and where the agent keeps what it knows. */
final class HostOptions {

    private static final String SHARED = "/var/lib/kmodfleet";

    @Option(
            names = "--root",
            paramLabel = "DIR",
            defaultValue = "/",
            description = "Root directory of the host, where it is not the running system (default: ${DEFAULT-VALUE}).")
    private Path root;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description =
                    "Where journal and memory lie (default: /var/lib/kmodfleet of the host; without root, ~/.local/state/kmodfleet).")
    private Optional<Path> state;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            defaultValue = "table",
            description = "table or json (default: ${DEFAULT-VALUE}).")
    private Output output;

    @Option(
            names = "--label",
            paramLabel = "NAME=VALUE",
            description =
                    "What this host is called, as role=database; policies go by it. May be repeated; adds to KMODFLEET_LABELS (a=b,c=d).")
    private List<String> labels = List.of();

    /** How results are printed. */
    enum Output {
        table,
        json
    }

    /** @throws Trouble where it is the root of no Linux system: a directory given by mistake must not become one */
    HostRoot root() {
        HostRoot found = anyRoot();
        if (Stream.of("/etc/os-release", "/usr/lib/os-release").map(found::at).noneMatch(Files::isRegularFile)) {
            throw new Trouble("Expected the root directory of a Linux system, but " + root
                    + " has neither etc/os-release nor usr/lib/os-release. Mount it, or name another after --root.");
        }
        return found;
    }

    /** Without a look into it. */
    HostRoot anyRoot() {
        if (!Files.isDirectory(root)) {
            throw new Trouble("Expected a directory after --root, but " + root + " is none.");
        }
        return new HostRoot(root);
    }

    /** Changes nothing, not even in the agent's state: whoever only looks may be anybody. */
    HostInspector inspector(Supplier<Map<Digest, InstallRecord>> installed) {
        return new HostInspector(root(), false, Optional.empty(), installed, labels(), Consent.in(state())::isGiven);
    }

    boolean makesInitramfs() {
        return Stream.of("update-initramfs", "dracut", "mkinitcpio")
                .anyMatch(name -> root().program(name).isPresent());
    }

    Path state() {
        return state.orElseGet(() -> {
            Path shared = anyRoot().at(SHARED);
            boolean mine = Files.isWritable(Files.exists(shared) ? shared : shared.getParent());
            return mine ? shared : Path.of(System.getProperty("user.home"), ".local", "state", "kmodfleet");
        });
    }

    /** For whoever only looks: the agent's own, also where only root may write there. */
    Path stateToRead() {
        Path shared = anyRoot().at(SHARED);
        return state.isEmpty() && Files.isDirectory(shared) && Files.isReadable(shared) ? shared : state();
    }

    /** @throws Trouble where it is for root only: whoever cannot see it must not be told that there is nothing */
    Path stateToReadWhole() {
        if (isStateHidden()) {
            throw new Trouble("Expected to read " + SHARED + ", but that is for root only. Run it as root.");
        }
        return stateToRead();
    }

    /** Whether the agent's own state is there and this user may not see it. */
    boolean isStateHidden() {
        Path shared = anyRoot().at(SHARED);
        return state.isEmpty() && Files.isDirectory(shared) && !Files.isReadable(shared);
    }

    SortedMap<String, String> labels() {
        return Labels.of(System.getenv().getOrDefault("KMODFLEET_LABELS", ""), labels);
    }

    boolean isJson() {
        return output == Output.json;
    }
}
