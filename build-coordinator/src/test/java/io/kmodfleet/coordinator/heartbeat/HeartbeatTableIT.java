package io.kmodfleet.coordinator.heartbeat;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Entry;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Told;
import io.kmodfleet.coordinator.ledger.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On a real PostgreSQL. */
class HeartbeatTableIT {

    private static final Instant AT = Instant.parse("2026-11-26T03:00:00Z");
    private static final HostId HOST = new HostId("%032x".formatted(1));
    private static final List<Device> DEVICES = List.of(
            new Device("/dev/sda1", "ext4", "/srv/\"ü\\", 1L << 50, 40, Optional.of(true), "/dev/sda1"),
            new Device("/dev/sdb1", "xfs", "/", 0, 0, Optional.empty(), "/dev/sdb1"));

    private TestDatabase database;
    private HeartbeatTable table;

    @BeforeEach
    void start() throws Exception {
        database = new TestDatabase();
        table = new HeartbeatTable(database.pool());
    }

    @AfterEach
    void end() throws Exception {
        database.close();
    }

    @Test
    void the_next_coordinator_knows_what_was_written_down() {
        table.write(List.of(
                entry(HOST, AT, OptionalLong.of(60), Optional.of(new Told(DEVICES, AT))),
                entry(new HostId("f".repeat(32)), AT.plusSeconds(5), OptionalLong.empty(), Optional.empty())));

        LastHeard next = new LastHeard(Duration.ofMinutes(5), 10);
        assertThat(table.readInto(next)).hasValue(AT.plusSeconds(5));

        assertThat(next.of(HOST)).hasValue(entry(HOST, AT, OptionalLong.of(60), Optional.empty()));
        assertThat(next.of(new HostId("f".repeat(32))).get().uptimeSeconds()).isEmpty();
        assertThat(table.devicesOf(HOST)).hasValue(new Told(DEVICES, AT));
        assertThat(table.devicesOf(new HostId("f".repeat(32)))).isEmpty();
    }

    @Test
    void the_later_word_counts_and_devices_stay_until_others_are_named() {
        table.write(List.of(entry(HOST, AT, OptionalLong.of(60), Optional.of(new Told(DEVICES, AT)))));
        table.write(List.of(entry(HOST, AT.plusSeconds(60), OptionalLong.of(120), Optional.empty())));
        table.write(List.of(entry(HOST, AT.plusSeconds(30), OptionalLong.of(90), Optional.empty())));

        LastHeard next = new LastHeard(Duration.ofMinutes(5), 10);
        table.readInto(next);

        assertThat(next.of(HOST).get().uptimeSeconds()).hasValue(120);
        assertThat(table.devicesOf(HOST)).hasValue(new Told(DEVICES, AT));
    }

    @Test
    void tens_of_thousands_of_hosts_are_written_and_read_in_batches() {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < 25_000; i++) {
            entries.add(entry(new HostId("%032x".formatted(i)), AT, OptionalLong.of(i), Optional.empty()));
        }
        for (int from = 0; from < entries.size(); from += 2_000) {
            table.write(entries.subList(from, Math.min(entries.size(), from + 2_000)));
        }

        LastHeard next = new LastHeard(Duration.ofMinutes(5), 100_000);
        table.readInto(next);

        assertThat(next.size()).isEqualTo(25_000);
    }

    @Test
    void an_empty_table_says_nothing() {
        assertThat(table.readInto(new LastHeard(Duration.ofMinutes(5), 10))).isEmpty();
    }

    private static Entry entry(HostId host, Instant at, OptionalLong uptime, Optional<Told> devices) {
        return new Entry(host, at, "0.1.0", uptime, 3, devices);
    }
}
