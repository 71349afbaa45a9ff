package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Heartbeat;
import io.kmodfleet.contracts.HostId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the file system of the machine that it runs on, below another root. */
class PulseIT {

    private static final HostId HOST = new HostId("0".repeat(32));
    private static final long HOUR = Duration.ofHours(1).toNanos();

    @TempDir
    Path root;

    private Path state;
    private Pulse pulse;

    @BeforeEach
    void begin() throws IOException {
        state = Files.createDirectories(root.resolve("var/lib/kmodfleet"));
        pulse = new Pulse(new HostRoot(root), state, "0.1.0");
    }

    @Test
    void it_says_how_long_the_host_runs_and_how_much_waits_in_the_journal() throws IOException {
        write("proc/uptime", "86400.25 170000.00\n");
        Files.writeString(state.resolve("journal"), "head\none\ntwo\n");

        Heartbeat heartbeat = pulse.next(HOST, 0);

        assertThat(heartbeat.uptimeSeconds()).hasValue(86_400);
        assertThat(heartbeat.unsent()).isEqualTo(2);
        assertThat(heartbeat.devices()).isEmpty();
    }

    @Test
    void where_the_host_says_nothing_it_still_lives() throws IOException {
        write("proc/uptime", "long");

        assertThat(pulse.next(HOST, 0).uptimeSeconds()).isEmpty();
        assertThat(pulse.next(HOST, 0).unsent()).isZero();
    }

    @Test
    void devices_go_along_once_when_they_change_and_every_hour() throws IOException {
        write("proc/self/mountinfo", "28 1 253:1 / / rw shared:1 - ext4 /dev/vda1 rw\n");
        assertThat(pulse.next(HOST, 0).devices()).isPresent();
        assertThat(pulse.next(HOST, 1).devices()).as("the first was not sent").isPresent();
        pulse.sent(1);
        assertThat(pulse.next(HOST, HOUR).devices()).as("within the hour").isEmpty();
        pulse.sent(HOUR);
        assertThat(pulse.next(HOST, HOUR + 1).devices()).as("after an hour").isPresent();
        pulse.sent(HOUR + 1);

        write("proc/self/mountinfo", "28 1 253:1 / / rw shared:1 - xfs /dev/vda1 rw\n");

        assertThat(pulse.next(HOST, HOUR + 2).devices())
                .hasValueSatisfying(devices -> assertThat(devices.get(0).type()).isEqualTo("xfs"));
    }

    private void write(String file, String content) throws IOException {
        Files.createDirectories(root.resolve(file).getParent());
        Files.writeString(root.resolve(file), content);
    }
}
