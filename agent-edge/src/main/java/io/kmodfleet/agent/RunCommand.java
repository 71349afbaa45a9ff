package io.kmodfleet.agent;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The long-running agent. */
@Command(name = "run", description = "Look, report and obey until told to end.")
final class RunCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(1);
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
            while (!Thread.interrupted()) {
                agent.turn(PATIENCE);
            }
        } catch (InterruptedException | org.apache.kafka.common.errors.InterruptException e) {
            return 0;
        } finally {
            ended.countDown();
        }
        return 0;
    }

    private static void await(CountDownLatch ended) {
        try {
            ended.await(END.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
