package io.kmodfleet.deploy.standalone;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What to start, and where.
 *
 * @param home the repository, whose jars are started
 * @param data everything that has to survive; made where it is missing
 * @param kafka bootstrap servers of a broker that runs already
 * @param database a PostgreSQL that runs already, with the databases {@code coordinator} and {@code store}
 * @param agent whether to start an agent that only looks at this machine
 * @param coordinatorHeap most memory of the coordinator's heap in MiB; about 2 KiB for each host
 * @param settings of coordinator and store, as in their environment
 */
public record StackOptions(
        Path home,
        Path data,
        Ports ports,
        Optional<String> kafka,
        Optional<Database> database,
        boolean agent,
        int coordinatorHeap,
        Map<String, String> settings) {

    /** Enough for some 50,000 hosts. */
    public static final int COORDINATOR_HEAP = 256;

    public StackOptions {
        settings = Map.copyOf(settings);
    }

    /** With the heap that does for most fleets, and services that are set as they come. */
    public StackOptions(
            Path home, Path data, Ports ports, Optional<String> kafka, Optional<Database> database, boolean agent) {
        this(home, data, ports, kafka, database, agent, COORDINATOR_HEAP, Map.of());
    }

    /**
     * @param host and port, as {@code db.example.org:5432}
     * @param password may be empty
     */
    public record Database(String host, String user, String password) {}

    /** On free ports, with everything embedded. */
    public static StackOptions embedded(Path home, Path data) {
        return new StackOptions(home, data, Ports.free(), Optional.empty(), Optional.empty(), false);
    }

    /** The same with another heap, in MiB. */
    public StackOptions withCoordinatorHeap(int mebibytes) {
        return new StackOptions(home, data, ports, kafka, database, agent, mebibytes, settings);
    }

    /** The same with other settings of coordinator and store. */
    public StackOptions withSettings(Map<String, String> other) {
        return new StackOptions(home, data, ports, kafka, database, agent, coordinatorHeap, other);
    }
}
