package io.kmodfleet.agent;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.errors.InterruptException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The long-running agent. */
@Command(
        name = "run",
        description =
                "Look, report and obey until told to end (SIGTERM). What that cuts off is done again at the next start.")
final class RunCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration END = Duration.ofSeconds(8);

    @Mixin
    private HostOptions host;

    @Mixin
    private FleetOptions fleet;

    @Option(names = "--observe", description = "Only look and report; never change anything. Needs no root.")
    private boolean observeOnly;

    @Override
    public Integer call() throws Exception {
        Thread main = Thread.currentThread();
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            main.interrupt();
                            await(ended);
                        },
                        "end"));
        try (Agent agent = Agent.start(fleet.settings(host, observeOnly))) {
            work(agent);
        } finally {
            ended.countDown();
        }
        return 0;
    }

    /** Until interrupted. Whatever an interruption cut off is done again at the next start. */
    private static void work(Agent agent) throws IOException {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                agent.turn(PATIENCE);
            }
        } catch (InterruptedException | InterruptException | ClosedByInterruptException e) {
            // It ends.
        } finally {
            // So that nothing of what follows believes to be cut off.
            Thread.interrupted();
        }
    }

    private static void await(CountDownLatch ended) {
        try {
            ended.await(END.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
