package io.kmodfleet.deploy.bench;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long a host waits for its answer. Open loop: the times of sending are fixed beforehand and latency counts from them, so a
 * stall counts for everything that should have been sent meanwhile.
 */
@Command(name = "latency", description = "Measure: observation published to command received, at a fixed rate.")
public final class LatencyBench implements Callable<Integer> {

    private static final long LONGEST = 60_000_000L;
    private static final int WARM_UP = 60;
    private static final int SAY_EVERY = 5;

    @Option(names = "--seconds", defaultValue = "60", description = "How long (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(
            names = "--rate",
            defaultValue = "1000",
            description = "Observations per second (default: ${DEFAULT-VALUE}).")
    private int rate;

    @Option(names = "--hosts", defaultValue = "5000", description = "Hosts that report (default: ${DEFAULT-VALUE}).")
    private int hosts;

    @Override
    public Integer call() throws IOException, InterruptedException, SQLException {
        try (BenchStack bench = BenchStack.start()) {
            bench.begin();
            Traffic traffic = new Traffic(hosts);
            System.out.println("[INFO] warming up " + WARM_UP + " s, then measuring " + seconds + " s");
            Histogram micros = measure(bench, traffic);
            Table.title("Latency at " + rate + " observations/s, open loop, " + seconds + " s");
            Table.row("commands received", Table.number(micros.getTotalCount()));
            Table.atMost("p50", micros.getValueAtPercentile(50) / 1000.0, 15, " ms");
            Table.row("p90", Table.number(micros.getValueAtPercentile(90) / 1000.0) + " ms");
            Table.atMost("p99", micros.getValueAtPercentile(99) / 1000.0, 100, " ms");
            Table.row("p99.9", Table.number(micros.getValueAtPercentile(99.9) / 1000.0) + " ms");
            Table.row("longest", Table.number(micros.getMaxValue() / 1000.0) + " ms");
            return 0;
        }
    }

    private Histogram measure(BenchStack bench, Traffic traffic) throws InterruptedException {
        Recorder micros = new Recorder(LONGEST, 3);
        Histogram all = new Histogram(LONGEST, 3);
        Map<String, Queue<Long>> due = new ConcurrentHashMap<>();
        long count = (long) rate * (WARM_UP + seconds);
        try (CommandListener commands = new CommandListener(bench.stack().kafka(), host -> {
                    Long scheduled = due.getOrDefault(host, new ConcurrentLinkedQueue<>())
                            .poll();
                    if (scheduled != null) {
                        micros.recordValue(Math.min(LONGEST, Math.max(0, (System.nanoTime() - scheduled) / 1000)));
                    }
                });
                KafkaProducer<String, byte[]> producer =
                        Traffic.producer(bench.stack().kafka(), 0)) {
            long begin = System.nanoTime() + 100_000_000L;
            for (long i = 0; i < count; i++) {
                long scheduled = begin + i * 1_000_000_000L / rate;
                ProducerRecord<String, byte[]> record = Traffic.record(traffic.next());
                due.computeIfAbsent(record.key(), host -> new ConcurrentLinkedQueue<>())
                        .add(scheduled);
                for (long left = scheduled - System.nanoTime(); left > 0; left = scheduled - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                producer.send(record);
                long second = i / rate;
                if (i % rate == rate - 1L && second % SAY_EVERY == SAY_EVERY - 1) {
                    say(micros.getIntervalHistogram(), second < WARM_UP, all);
                }
            }
            long patience = System.nanoTime() + 30_000_000_000L;
            while (commands.heard() < count && System.nanoTime() < patience) {
                Thread.sleep(50);
            }
            all.add(micros.getIntervalHistogram());
            if (commands.heard() < count) {
                throw new IllegalStateException(
                        "Expected " + count + " commands, but only " + commands.heard() + " came");
            }
        }
        return all;
    }

    private static void say(Histogram last, boolean warmingUp, Histogram all) {
        System.out.printf(
                "[INFO] %sp50 %.1f ms, p99 %.1f ms, longest %.1f ms%n",
                warmingUp ? "warming up: " : "",
                last.getValueAtPercentile(50) / 1000.0,
                last.getValueAtPercentile(99) / 1000.0,
                last.getMaxValue() / 1000.0);
        if (!warmingUp) {
            all.add(last);
        }
    }
}
