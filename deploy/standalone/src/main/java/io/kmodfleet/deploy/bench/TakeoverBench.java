package io.kmodfleet.deploy.bench;

import io.kmodfleet.deploy.standalone.Stack;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import org.apache.kafka.clients.producer.KafkaProducer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How long the fleet is without answers when the active coordinator is killed. */
@Command(
        name = "takeover",
        description = "Measure: kill -9 of the active coordinator to the first decision of the other.")
public final class TakeoverBench implements Callable<Integer> {

    @Option(
            names = "--entries",
            defaultValue = "100000",
            description = "Ledger entries before (default: ${DEFAULT-VALUE}).")
    private int entries;

    @Option(names = "--rounds", defaultValue = "3", description = "How often (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Override
    public Integer call() throws IOException, InterruptedException, SQLException {
        List<Double> times = new ArrayList<>();
        try (BenchStack bench = BenchStack.start()) {
            bench.begin();
            Traffic traffic = new Traffic(5000);
            Semaphore ahead = new Semaphore(5_000);
            try (CommandListener commands = new CommandListener(bench.stack().kafka(), host -> ahead.release());
                    KafkaProducer<String, byte[]> producer =
                            Traffic.producer(bench.stack().kafka(), 1)) {
                for (int i = 0; i < entries; i++) {
                    ahead.acquire();
                    producer.send(Traffic.record(traffic.next()));
                }
                String active = Stack.COORDINATOR;
                String other = bench.stack().startSecondCoordinator().name();
                for (int round = 0; round < rounds; round++) {
                    Thread.sleep(3_000);
                    long heard = commands.heard();
                    bench.stack().kill(active);
                    long killed = System.nanoTime();
                    producer.send(Traffic.record(traffic.next()));
                    producer.flush();
                    while (commands.heard() == heard) {
                        Thread.sleep(1);
                    }
                    times.add((System.nanoTime() - killed) / 1e9);
                    System.out.println("[INFO] round " + (round + 1) + ": " + Table.number(times.get(round)) + " s");
                    bench.stack().startAgain(active);
                    String swap = active;
                    active = other;
                    other = swap;
                }
            }
            long gaps = bench.position() - bench.number("select count(*) from ledger");
            Table.title("Take-over at " + entries + " ledger entries, kill -9, " + rounds + " rounds");
            Table.atMost(
                    "longest time to the other's first command",
                    times.stream().mapToDouble(t -> t).max().orElseThrow(),
                    5,
                    " s");
            Table.atMost("gaps in the ledger", gaps, 0, "");
            return 0;
        }
    }
}
