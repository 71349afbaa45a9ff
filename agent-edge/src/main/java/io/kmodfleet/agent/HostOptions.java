package io.kmodfleet.agent;

import io.kmodfleet.agent.host.HostRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import picocli.CommandLine.Option;

/** Which host is meant, and where the agent keeps what it knows. */
final class HostOptions {

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

    HostRoot root() {
        if (!Files.isDirectory(root)) {
            throw new Trouble("Expected a directory after --root, but " + root + " is none.");
        }
        return new HostRoot(root);
    }

    Path state() {
        return state.orElseGet(() -> {
            Path shared = root().at("/var/lib/kmodfleet");
            boolean mine = Files.isWritable(Files.exists(shared) ? shared : shared.getParent());
            return mine ? shared : Path.of(System.getProperty("user.home"), ".local", "state", "kmodfleet");
        });
    }

    SortedMap<String, String> labels() {
        return Labels.of(System.getenv().getOrDefault("KMODFLEET_LABELS", ""), labels);
    }

    boolean isJson() {
        return output == Output.json;
    }
}
