package io.kmodfleet.coordinator;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/** Everything about the coordinator that can be set; {@code KMODFLEET_COORDINATOR_TOPICS_PARTITIONS} and so on. */
@ConfigMapping(prefix = "kmodfleet.coordinator")
public interface CoordinatorConfig {

    /** The topics, where the coordinator has to create them. */
    TopicsConfig topics();

    /** How long a published policy may take to reach the ledger before the publisher is told that it did not. */
    @WithDefault("10s")
    Duration publishTimeout();

    /** Ledger entries after which what is known is written down, so that the next start need not read all of them. */
    @WithDefault("100000")
    long snapshotEvery();

    /** How long nothing must be heard of a host before it is called silent; several times what agents wait between two heartbeats. */
    @WithDefault("5m")
    Duration silentAfter();

    /** Where the artifact store answers; absent: pages name the command instead of what only the store knows. */
    Optional<URI> store();

    /** The topics, where the coordinator has to create them. */
    interface TopicsConfig {

        /** Partitions of the observations and the commands topic. */
        @WithDefault("12")
        int partitions();

        /** Copies of each partition; 3 on a cluster. */
        @WithDefault("1")
        short replication();
    }
}
