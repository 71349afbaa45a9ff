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

    @Mixin
    private HostOptions host;

    @Mixin
    private FleetOptions fleet;

    @Option(names = "--observe", description = "Only look and report; never change anything. Needs no root.")
    private boolean observeOnly;

    @Override
    public Integer call() throws IOException {
        AgentRun.untilTold(fleet.settings(host, observeOnly), () -> {});
        return 0;
    }
}
