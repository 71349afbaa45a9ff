package io.kmodfleet.store;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;

/** Everything about the store that can be set; {@code KMODFLEET_STORE_DIRECTORY} and so on. */
@ConfigMapping(prefix = "kmodfleet.store")
public interface StoreConfig {

    /** Where the files lie. */
    @WithDefault("/var/lib/kmodfleet/store")
    Path directory();

    /** Refused files kept for inspection, in bytes; the oldest go first, and of more than 100 as well. */
    @WithDefault("268435456")
    long quarantineBytes();
}
