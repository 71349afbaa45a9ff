package io.kmodfleet.agent;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Option;

/** Where the fleet is. */
final class FleetOptions {

    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT",
            defaultValue = "${env:KMODFLEET_KAFKA:-127.0.0.1:7072}",
            description = "Bootstrap servers; KMODFLEET_KAFKA (default: 127.0.0.1:7072).")
    private String kafka;

    @Option(
            names = "--store",
            paramLabel = "URL",
            defaultValue = "${env:KMODFLEET_STORE:-http://127.0.0.1:7071}",
            description = "The artifact store; KMODFLEET_STORE (default: http://127.0.0.1:7071).")
    private URI store;

    @Option(
            names = "--packages-dir",
            paramLabel = "DIR",
            defaultValue = "/root/dattobd_dkms_build_pacakges",
            description =
                    "Where a copy of each built package is left on the host (default: ${DEFAULT-VALUE}, as in the product guide).")
    private Path packages;

    @Option(
            names = "--look-every",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "How often the host is looked at (default: ${DEFAULT-VALUE}).")
    private int lookEvery;

    @Option(
            names = "--enable-dkms",
            description =
                    "Let modules be built on this host with DKMS, now and later. Without it, it only reuses what others built.")
    private boolean enableDkms;

    boolean enablesDkms() {
        return enableDkms;
    }

    /** @param heartbeatEvery in seconds */
    Agent.Settings settings(HostOptions host, boolean observeOnly, int heartbeatEvery) {
        return new Agent.Settings(
                host.root(),
                host.state(),
                host.labels(),
                kafka,
                store,
                observeOnly,
                enableDkms,
                packages,
                Duration.ofSeconds(Math.max(1, lookEvery)),
                Duration.ofSeconds(Math.max(1, heartbeatEvery)));
    }

    String kafka() {
        return kafka;
    }
}
