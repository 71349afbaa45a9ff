package io.kmodfleet.deploy.bench;

import java.io.IOException;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import org.apache.kafka.clients.producer.KafkaProducer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How many decisions a second, sustained; and the floors of the same run. */
@Command(
        name = "decisions",
        description = "Measure: decisions per second, Kafka in to command out, beside the floors of the same run.")
public final class DecisionsBench implements Callable<Integer> {

    private static final int AHEAD = 20_000;
    private static final long WARM_UP = 45_000;

    @Option(names = "--seconds", defaultValue = "60", description = "How long (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--hosts", defaultValue = "5000", description = "Hosts that report (default: ${DEFAULT-VALUE}).")
    private int hosts;

    @Override
    public Integer call() throws IOException, InterruptedException, SQLException {
        try (BenchStack bench = BenchStack.start()) {
            bench.begin();
            Semaphore ahead = new Semaphore(AHEAD);
            Traffic traffic = new Traffic(hosts);
            double perSecond;
            long entries;
            Map<String, Double> cpu = new LinkedHashMap<>();
            try (CommandListener commands = new CommandListener(bench.stack().kafka(), host -> ahead.release());
                    KafkaProducer<String, byte[]> producer =
                            Traffic.producer(bench.stack().kafka(), 5)) {
                Thread talk = new Thread(() -> {
                    try {
                        while (!Thread.currentThread().isInterrupted()) {
                            ahead.acquire();
                            producer.send(Traffic.record(traffic.next()));
                        }
                    } catch (InterruptedException | org.apache.kafka.common.errors.InterruptException e) {
                        // The measurement is over.
                    }
                });
                talk.start();
                System.out.println("[INFO] warming up");
                Thread.sleep(WARM_UP);
                System.out.println("[INFO] measuring " + seconds + " s");
                long begin = System.nanoTime();
                long before = commands.heard();
                Map<String, Long> cpuBefore = bench.cpu();
                long positionBefore = bench.position();
                for (int left = seconds; left > 0; left -= 10) {
                    long heard = commands.heard();
                    long at = System.nanoTime();
                    Thread.sleep(Math.min(10, left) * 1000L);
                    System.out.printf(
                            "[INFO] %s decisions/s%n",
                            Table.number((commands.heard() - heard) * 1e9 / (System.nanoTime() - at)));
                }
                long decided = commands.heard() - before;
                perSecond = decided * 1e9 / (System.nanoTime() - begin);
                entries = bench.position() - positionBefore;
                bench.cpu().forEach((name, nanos) -> cpu.put(name, (nanos - cpuBefore.get(name)) / 1e3 / decided));
                talk.interrupt();
                talk.join();
            }
            System.out.println("[INFO] floors");
            Thread.sleep(3_000);
            Floors floors = new Floors(bench);
            double single = floors.oneTransactionPerMessage();
            double batched = floors.batchedSql();
            double kafka = floors.kafkaRecordsPerSecond();
            Table.title("Decisions, " + seconds + " s sustained, " + hosts + " hosts, one decision per observation");
            Table.atLeast("decisions out of Kafka", perSecond, 10_000, "/s");
            Table.row("ledger entries committed in that time", Table.number(entries));
            cpu.forEach((name, micros) -> Table.row("CPU time per decision, " + name, Table.number(micros) + " µs"));
            Table.row("floor: one transaction per message, same SQL", Table.number(single) + "/s");
            Table.atLeast("decisions : one transaction per message", perSecond / single, 6, "");
            Table.row("floor: the same SQL in batches, without us", Table.number(batched) + "/s");
            Table.row("decisions : batches without us", Table.number(perSecond / batched));
            Table.row("floor: Kafka end to end, same records", Table.number(kafka) + "/s");
            Table.row("decisions : Kafka end to end", Table.number(perSecond / kafka));
            return 0;
        }
    }
}
