package io.kmodfleet.agent;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.errors.InterruptException;

/** An agent that works until its process is told to end. What that cuts off is done again at the next start. */
public final class AgentRun {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration END = Duration.ofSeconds(8);

    private AgentRun() {}

    /** @param turned called when the agent has started, and after each of its rounds */
    public static void untilTold(Agent.Settings settings, Runnable turned) throws IOException {
        Thread main = Thread.currentThread();
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            main.interrupt();
                            await(ended);
                        },
                        "end"));
        try (Agent agent = Agent.start(settings);
                Heart.Beating heart = Heart.beating(agent.handOver().host(), settings)) {
            turned.run();
            work(agent, turned);
        } finally {
            ended.countDown();
        }
    }

    private static void work(Agent agent, Runnable turned) throws IOException {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                agent.turn(PATIENCE);
                turned.run();
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
