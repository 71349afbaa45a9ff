package io.kmodfleet.agent;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The long-running agent. */
@Command(
        name = "run",
        description =
                "Look, report and obey until told to end (SIGTERM). What that cuts off is done again at the next start.")
final class RunCommand implements Callable<Integer> {

    static final int HEARTBEAT_SECONDS = 60;

    @Mixin
    private HostOptions host;

    @Mixin
    private FleetOptions fleet;

    @Option(names = "--observe", description = "Only look and report; never change anything. Needs no root.")
    private boolean observeOnly;

    @Option(
            names = "--heartbeat-every",
            paramLabel = "SECONDS",
            defaultValue = "${env:KMODFLEET_HEARTBEAT_EVERY:-" + HEARTBEAT_SECONDS + "}",
            description = "How often it says that this host's agent lives; KMODFLEET_HEARTBEAT_EVERY (default: "
                    + HEARTBEAT_SECONDS
                    + ").")
    private int heartbeatEvery;

    @Override
    public Integer call() throws IOException {
        AgentRun.untilTold(fleet.settings(host, observeOnly, heartbeatEvery), () -> {});
        return 0;
    }
}
