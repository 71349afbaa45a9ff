package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Heartbeat.Device;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PulseTest {

    private static final Device ROOT = device("/", 1_000_000, 500_000, true);

    @Test
    void a_device_that_is_filled_a_little_more_has_not_changed_and_one_filled_by_a_hundredth_more_has() {
        assertThat(isChanged(ROOT, device("/", 1_000_000, 510_000, true))).isFalse();
        assertThat(isChanged(ROOT, device("/", 1_000_000, 510_001, true))).isTrue();
        assertThat(isChanged(ROOT, device("/", 1_000_000, 489_999, true))).isTrue();
    }

    @Test
    void another_place_another_size_and_another_sync_state_are_changes() {
        assertThat(isChanged(ROOT, ROOT)).isFalse();
        assertThat(isChanged(ROOT, device("/srv", 1_000_000, 500_000, true))).isTrue();
        assertThat(isChanged(ROOT, device("/", 1_000_001, 500_000, true))).isTrue();
        assertThat(isChanged(ROOT, device("/", 1_000_000, 500_000, false))).isTrue();
        assertThat(Pulse.isChanged(List.of(ROOT), List.of())).isTrue();
    }

    private static boolean isChanged(Device before, Device now) {
        return Pulse.isChanged(List.of(before), List.of(now));
    }

    private static Device device(String mount, long size, long used, boolean synced) {
        return new Device("/dev/sda1", "ext4", mount, size, used, Optional.of(synced), "/dev/sda1");
    }
}
