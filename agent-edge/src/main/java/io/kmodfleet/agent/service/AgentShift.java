package io.kmodfleet.agent.service;

import io.kmodfleet.agent.Agent;
import io.kmodfleet.agent.Heart;
import io.kmodfleet.contracts.Digest;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.common.errors.InterruptException;

/**
 * One shift: looks, reports, obeys until nothing is left to do, or nothing gets on for want of the fleet. Says then, in a line on
 * its standard output, where the next one goes on ({@link ShiftReport}). Ends orderly when its standard input does.
 */
public final class AgentShift {

    /** How long it listens after it has done something. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final Duration WITHOUT_PROGRESS = Duration.ofSeconds(60);
    private static final int FAILED = 1;

    private AgentShift() {}

    /** @param arguments place and digest, as {@link ShiftReport} writes them */
    public static void main(String[] arguments) {
        JournalLines.install(System.err);
        PrintStream answer = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        endWithInput(Thread.currentThread());
        try {
            Agent.Settings settings = ServiceSettings.of(System.getenv(), Path.of("/"));
            Agent.HandOver over = work(settings, ShiftReport.placeOf(arguments[0]), ShiftReport.digestOf(arguments[1]));
            answer.println(ShiftReport.of(over).line());
            System.exit(0);
        } catch (InterruptedException | InterruptException | ClosedByInterruptException e) {
            // It was told to end; what that cuts off is done again.
            System.exit(FAILED);
        } catch (IllegalArgumentException | IOException e) {
            System.err.println("[ERROR] " + e.getMessage());
            System.exit(FAILED);
        }
    }

    private static Agent.HandOver work(Agent.Settings settings, OptionalLong place, Optional<Digest> reported)
            throws IOException, InterruptedException {
        try (Agent agent = Agent.start(settings);
                Heart.Beating heart = Heart.beating(agent.handOver().host(), settings)) {
            agent.takeOver(place, reported);
            Agent.HandOver state = null;
            long progressAt = System.nanoTime();
            while (!agent.isAtRest() && System.nanoTime() - progressAt < WITHOUT_PROGRESS.toNanos()) {
                agent.turn(PATIENCE);
                Agent.HandOver now = agent.handOver();
                if (!now.equals(state)) {
                    progressAt = System.nanoTime();
                }
                state = now;
            }
            return state == null ? agent.handOver() : state;
        } finally {
            // So that nothing of what follows believes to be cut off.
            Thread.interrupted();
        }
    }

    /** Whoever started it holds the other end, and may be killed. */
    private static void endWithInput(Thread main) {
        Thread watch = new Thread(
                () -> {
                    try {
                        while (System.in.read() >= 0) {
                            // Nothing is said to it.
                        }
                    } catch (IOException e) {
                        // The same as its end.
                    }
                    main.interrupt();
                },
                "end");
        watch.setDaemon(true);
        watch.start();
    }
}
