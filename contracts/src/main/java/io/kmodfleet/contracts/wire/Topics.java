package io.kmodfleet.contracts.wire;

/** The Kafka topics. Keys are host ids, or the source's word for what does not come from a host, where not said otherwise. */
public final class Topics {

    /** Agents, store and operator to the coordinator. */
    public static final String OBSERVATIONS = "kmodfleet.observations";

    /** Coordinator to agents. */
    public static final String COMMANDS = "kmodfleet.commands";

    /** Every entry of the ledger after it was committed, in order; one partition, kept for ever. */
    public static final String LEDGER = "kmodfleet.ledger";

    /** Signs of life of agents, to every coordinator; kept for a day, and in no ledger. */
    public static final String HEARTBEATS = "kmodfleet.heartbeats";

    /** Records that nobody could read, each with the reason. */
    public static final String DEAD_LETTERS = "kmodfleet.dead-letters";

    /** What builds say, line by line, while they run; key is the build. The whole log goes to the store. */
    public static final String BUILD_LOGS = "kmodfleet.build-logs";

    /** Begins the last line of a build in {@link #BUILD_LOGS}; how it ended follows. */
    public static final String BUILD_LOG_END = "==> end: ";

    private Topics() {}
}
