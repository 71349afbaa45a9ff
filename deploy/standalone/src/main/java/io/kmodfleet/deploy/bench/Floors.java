package io.kmodfleet.deploy.bench;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** What this machine does without us, with the rows that we wrote: into tables and a topic like ours. */
final class Floors {

    private static final int ROWS = 20_000;
    private static final int BATCH = 1000;
    private static final Duration TIME = Duration.ofSeconds(10);

    /** A table, and what makes the same row again in its copy. */
    private record Target(String table, String conflict, List<String> types) {}

    private static final List<Target> TARGETS = List.of(
            new Target(
                    "ledger",
                    "",
                    List.of(
                            "bigint",
                            "timestamptz",
                            "text",
                            "bigint",
                            "bigint",
                            "timestamptz",
                            "text",
                            "text",
                            "int",
                            "text")),
            new Target(
                    "decision",
                    "",
                    List.of("bigint", "int", "timestamptz", "text", "text", "text", "text", "text", "text")),
            new Target(
                    "host",
                    " on conflict (id) do update set position = excluded.position, reported_at = excluded.reported_at",
                    List.of("text", "text", "text", "text", "boolean", "timestamptz", "bigint")));

    private final BenchStack bench;

    Floors(BenchStack bench) {
        this.bench = bench;
    }

    /** Messages per second where each is its own transaction. */
    double oneTransactionPerMessage() throws SQLException {
        return insert(1);
    }

    /** Messages per second in transactions of a thousand. */
    double batchedSql() throws SQLException {
        return insert(BATCH);
    }

    private double insert(int batch) throws SQLException {
        try (Connection connection = bench.database()) {
            connection.setAutoCommit(false);
            List<List<Object[]>> rows = new ArrayList<>();
            List<PreparedStatement> statements = new ArrayList<>();
            try (Statement statement = connection.createStatement()) {
                for (Target target : TARGETS) {
                    statement.execute("drop table if exists floor_" + target.table);
                    statement.execute(
                            "create table floor_" + target.table + " (like " + target.table + " including all)");
                    rows.add(rows(statement, target));
                    statements.add(connection.prepareStatement("insert into floor_" + target.table
                            + " select * from unnest("
                            + String.join(
                                    ", ",
                                    target.types.stream()
                                            .map(type -> "?::" + type + "[]")
                                            .toList())
                            + ")" + target.conflict));
                }
            }
            connection.commit();
            int most = rows.get(0).size();
            long begin = System.nanoTime();
            int done = 0;
            while (done + batch <= most && System.nanoTime() - begin < TIME.toNanos()) {
                for (int i = 0; i < TARGETS.size(); i++) {
                    List<Object[]> all = rows.get(i);
                    int from = Math.min(done, Math.max(0, all.size() - batch));
                    execute(
                            connection,
                            statements.get(i),
                            TARGETS.get(i),
                            all.subList(from, Math.min(all.size(), from + batch)));
                }
                connection.commit();
                done += batch;
            }
            return done * 1e9 / (System.nanoTime() - begin);
        }
    }

    private static List<Object[]> rows(Statement statement, Target target) throws SQLException {
        String order = target.types.get(0).equals("bigint") ? " order by position" : " order by 1";
        List<Object[]> rows = new ArrayList<>();
        try (ResultSet found = statement.executeQuery("select * from " + target.table + order + " limit " + ROWS)) {
            while (found.next()) {
                Object[] row = new Object[target.types.size()];
                for (int i = 0; i < row.length; i++) {
                    row[i] =
                            target.types.get(i).equals("timestamptz") ? found.getString(i + 1) : found.getObject(i + 1);
                }
                rows.add(row);
            }
        }
        return rows;
    }

    private static void execute(Connection connection, PreparedStatement statement, Target target, List<Object[]> rows)
            throws SQLException {
        for (int column = 0; column < target.types.size(); column++) {
            Object[] values = new Object[rows.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = rows.get(i)[column];
            }
            Array array = connection.createArrayOf(target.types.get(column), values);
            statement.setArray(column + 1, array);
        }
        statement.executeUpdate();
    }

    /** Records per second, from a producer through the broker to a consumer, both as busy as they can be. */
    double kafkaRecordsPerSecond() throws InterruptedException {
        String kafka = bench.stack().kafka();
        String topic = "floor";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka))) {
            admin.createTopics(List.of(new NewTopic(topic, 12, (short) 1)))
                    .all()
                    .get();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
        Traffic traffic = new Traffic(5000);
        List<ProducerRecord<String, byte[]>> records = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            ProducerRecord<String, byte[]> record = Traffic.record(traffic.next());
            records.add(new ProducerRecord<>(topic, null, record.key(), record.value(), record.headers()));
        }
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                        Map.of("bootstrap.servers", kafka, "auto.offset.reset", "earliest", "max.poll.records", 5000),
                        new StringDeserializer(),
                        new ByteArrayDeserializer());
                KafkaProducer<String, byte[]> producer = Traffic.producer(kafka, 5)) {
            consumer.assign(consumer.partitionsFor(topic).stream()
                    .map(partition -> new TopicPartition(topic, partition.partition()))
                    .toList());
            consumer.seekToBeginning(consumer.assignment());
            long end = System.nanoTime() + TIME.toNanos();
            Thread talk = new Thread(() -> {
                for (int i = 0; System.nanoTime() < end; i = (i + 1) % ROWS) {
                    producer.send(records.get(i));
                }
            });
            long begin = System.nanoTime();
            talk.start();
            long heard = 0;
            while (System.nanoTime() < end) {
                heard += consumer.poll(Duration.ofMillis(100)).count();
            }
            double perSecond = heard * 1e9 / (System.nanoTime() - begin);
            talk.join();
            return perSecond;
        }
    }
}
