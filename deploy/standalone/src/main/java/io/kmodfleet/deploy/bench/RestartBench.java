package io.kmodfleet.deploy.bench;

import io.kmodfleet.deploy.standalone.Stack;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import org.apache.kafka.clients.producer.KafkaProducer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How long a coordinator takes to be ready, with and without a snapshot of the fold. */
@Command(name = "restart", description = "Measure: start to ready with a long ledger, with and without a snapshot.")
public final class RestartBench implements Callable<Integer> {

    private static final int REAL = 20_000;

    @Option(names = "--entries", defaultValue = "1000000", description = "Ledger entries (default: ${DEFAULT-VALUE}).")
    private int entries;

    @Override
    public Integer call() throws IOException, InterruptedException, SQLException {
        try (BenchStack bench = BenchStack.start()) {
            bench.begin();
            fill(bench);
            System.out.println("[INFO] reading the whole ledger");
            double whole = start(bench);
            // An orderly end writes a snapshot.
            bench.stack().end(Stack.COORDINATOR);
            long snapshots = bench.number("select count(*) from snapshot");
            System.out.println("[INFO] starting from " + snapshots + " snapshot(s)");
            double snapshot = start(bench);
            bench.stack().end(Stack.COORDINATOR);
            long size = bench.number("select coalesce(sum(length(body)), 0) from snapshot_part");
            Table.title("Start to ready at " + Table.number(bench.position()) + " ledger entries");
            Table.row("without a snapshot", Table.number(whole) + " s");
            Table.row("ledger entries read per second", Table.number(bench.position() / whole) + "/s");
            Table.row("with a snapshot", Table.number(snapshot) + " s");
            Table.row("the snapshots' size", Table.number(size / 1e6) + " MB");
            return 0;
        }
    }

    private static double start(BenchStack bench) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        bench.stack().startAgain(Stack.COORDINATOR);
        return (System.nanoTime() - begin) / 1e9;
    }

    /** Real reports first; then the same ones again with later numbers, made by the database itself. */
    private void fill(BenchStack bench) throws SQLException, InterruptedException, IOException {
        Traffic traffic = new Traffic(REAL);
        Semaphore ahead = new Semaphore(5_000);
        long first = bench.position() + 1;
        try (CommandListener commands = new CommandListener(bench.stack().kafka(), host -> ahead.release());
                KafkaProducer<String, byte[]> producer =
                        Traffic.producer(bench.stack().kafka(), 5)) {
            for (int i = 0; i < REAL; i++) {
                ahead.acquire();
                producer.send(Traffic.record(traffic.next()));
            }
            ahead.acquire(5_000);
        }
        bench.stack().end(Stack.COORDINATOR);
        long end = bench.position();
        System.out.println("[INFO] filling the ledger up to " + entries + " entries");
        try (Connection connection = bench.database();
                Statement statement = connection.createStatement()) {
            // Copies have no chain of their own; what is measured does not recompute it. The last one gets one, so that
            // a
            // snapshot can be told to belong here.
            statement.execute("delete from snapshot");
            statement.execute(
                    "insert into ledger (position, taken_at, source, epoch, sequence, observed_at, observation,"
                            + " decisions, rules, chain)"
                            + " select " + end + " + (copy - 1) * " + REAL + " + position - " + first
                            + " + 1, taken_at, source, epoch,"
                            + " sequence + copy, observed_at, observation, '[]', rules, chain"
                            + " from ledger, generate_series(1, " + Math.max(1, (entries - end) / REAL) + ") as copy"
                            + " where position between " + first + " and " + (first + REAL - 1) + " order by 1");
            statement.execute("update dispatch set position = (select max(position) from ledger)");
            statement.execute("analyze ledger");
        }
    }
}
