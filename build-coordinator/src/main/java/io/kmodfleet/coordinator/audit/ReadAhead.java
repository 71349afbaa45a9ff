package io.kmodfleet.coordinator.audit;

import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** Reads lines in a thread of its own while others are decided; a few thousand of them are in memory at a time. */
public final class ReadAhead {

    private static final int LINES = 256;
    private static final int BATCHES = 16;

    private ReadAhead() {}

    /** A batch, or how reading ended: with nothing more to read, or badly. */
    private record Batch(List<Line> lines, boolean last, RuntimeException failure) {}

    /**
     * Hands every line to {@code next} in the calling thread, until it says that it wants no more.
     *
     * @throws RuntimeException as {@code lines} or {@code next} throws it
     */
    public static void each(Iterator<Line> lines, Predicate<Line> next) {
        BlockingQueue<Batch> queue = new ArrayBlockingQueue<>(BATCHES);
        Thread reader = new Thread(() -> read(lines, queue), "ledger-reader");
        reader.setDaemon(true);
        reader.start();
        try {
            while (true) {
                Batch batch = queue.take();
                for (Line line : batch.lines) {
                    if (!next.test(line)) {
                        return;
                    }
                }
                if (batch.failure != null) {
                    throw batch.failure;
                }
                if (batch.last) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while reading the ledger", e);
        } finally {
            end(reader);
        }
    }

    private static void read(Iterator<Line> lines, BlockingQueue<Batch> queue) {
        try {
            List<Line> batch = new ArrayList<>(LINES);
            RuntimeException failure = null;
            try {
                while (!Thread.currentThread().isInterrupted() && lines.hasNext()) {
                    batch.add(lines.next());
                    if (batch.size() == LINES) {
                        queue.put(new Batch(batch, false, null));
                        batch = new ArrayList<>(LINES);
                    }
                }
            } catch (RuntimeException e) {
                failure = e;
            } catch (Error e) {
                failure = new IllegalStateException("Reading the ledger failed: " + e, e);
            }
            queue.put(new Batch(batch, true, failure));
        } catch (InterruptedException e) {
            // Nobody wants more.
            Thread.currentThread().interrupt();
        }
    }

    /** The lines may be closed behind it. */
    private static void end(Thread reader) {
        reader.interrupt();
        try {
            reader.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
