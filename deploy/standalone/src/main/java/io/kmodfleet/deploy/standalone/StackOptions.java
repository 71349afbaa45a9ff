package io.kmodfleet.deploy.standalone;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What to start, and where.
 *
 * @param home the repository, whose jars are started
 * @param data everything that has to survive; made where it is missing
 * @param kafka bootstrap servers of a broker that runs already
 * @param database a PostgreSQL that runs already, with the databases {@code coordinator} and {@code store}
 * @param agent whether to start an agent that only looks at this machine
 */
public record StackOptions(
        Path home, Path data, Ports ports, Optional<String> kafka, Optional<Database> database, boolean agent) {

    /**
     * @param host and port, as {@code db.example.org:5432}
     * @param password may be empty
     */
    public record Database(String host, String user, String password) {}

    /** On free ports, with everything embedded. */
    public static StackOptions embedded(Path home, Path data) {
        return new StackOptions(home, data, Ports.free(), Optional.empty(), Optional.empty(), false);
    }
}
