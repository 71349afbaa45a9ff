package io.kmodfleet.store;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Everything about the store that can be set; {@code KMODFLEET_STORE_DIRECTORY} and so on. */
@ConfigMapping(prefix = "kmodfleet.store")
public interface StoreConfig {

    /** Where uploads lie until they are taken, and where files lie that are not in S3. */
    @WithDefault("/var/lib/kmodfleet/store")
    Path directory();

    /** Where files lie instead, with a bucket: then several stores can serve them together. */
    S3 s3();

    Limits limits();

    /** How long refused files are kept for inspection. */
    @WithDefault("P14D")
    Duration refusedFor();

    /** Refused files kept for inspection, in bytes; the oldest go first, and of more than 100 as well. */
    @WithDefault("268435456")
    long quarantineBytes();

    Scrub scrub();

    /** Files that nothing in the catalogue refers to go after this, and are looked for as often. */
    @WithDefault("P1D")
    Duration straysAfter();

    /** The coordinator, which says what packages are to the fleet; without it they stay candidates and nothing is removed. */
    Optional<URI> coordinator();

    /** All packages are asked for again within this; those that the ledger names, at once. */
    @WithDefault("PT10M")
    Duration standingsEvery();

    Retention retention();

    /** What may go. */
    interface Retention {

        /** Versions of a module that stay, the last ones that were published. */
        @WithDefault("3")
        int versions();

        /** What is younger stays. */
        @WithDefault("P30D")
        Duration minimumAge();
    }

    /** How often it is looked whether something is due. */
    @WithDefault("PT1M")
    Duration upkeepEvery();

    /** Reading again what is kept. */
    interface Scrub {

        /** Every blob is read again within this. */
        @WithDefault("P7D")
        Duration window();

        @WithDefault("16777216")
        long bytesPerSecond();
    }

    /** S3 or what speaks its language. Credentials come from the environment, as the AWS SDK finds them. */
    interface S3 {

        Optional<String> bucket();

        /** Of another service than Amazon's. */
        Optional<URI> endpoint();

        @WithDefault("us-east-1")
        String region();

        /** Whether the bucket stands in the path of an address instead of its host name. */
        @WithDefault("false")
        boolean pathStyle();

        /** What all keys begin with, so that others can use the bucket as well. */
        Optional<String> prefix();

        /** How long one try of a call may take to connect and to answer; it is tried three times. */
        @WithDefault("PT10S")
        Duration patience();
    }

    /** What one client may ask for, by its address, and what all of them together may leave here. 0 is without limit. */
    interface Limits {

        /** Requests a second; four times as many at once. */
        @WithDefault("2000")
        int requests();

        /** Uploads a second; four times as many at once. */
        @WithDefault("50")
        int uploads();

        /** Bytes of all files together. */
        @WithDefault("0")
        long bytes();
    }
}
