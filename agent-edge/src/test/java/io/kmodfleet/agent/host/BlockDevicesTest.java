package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.BlockDevices.Mount;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockDevicesTest {

    @Test
    void each_block_device_counts_once_and_what_is_none_not_at_all() {
        List<String> mountinfo = List.of(
                "22 28 0:21 / /proc rw,nosuid - proc proc rw",
                "28 1 253:1 / / rw,relatime shared:1 - ext4 /dev/mapper/ubuntu--vg-ubuntu--lv rw",
                "31 28 8:2 / /boot rw,relatime shared:5 - ext4 /dev/sda2 rw",
                "44 28 8:2 /x /srv/bind rw,relatime shared:5 - ext4 /dev/sda2 rw",
                "50 28 7:3 / /snap/core/1 ro - squashfs /dev/loop3 ro",
                "51 28 8:17 / /mnt/with\\040space rw - xfs /dev/sdb1 rw",
                "junk",
                "");

        assertThat(BlockDevices.mounts(mountinfo))
                .containsExactly(
                        new Mount("253:1", "/", "ext4", "/dev/mapper/ubuntu--vg-ubuntu--lv"),
                        new Mount("8:2", "/boot", "ext4", "/dev/sda2"),
                        new Mount("8:17", "/mnt/with space", "xfs", "/dev/sdb1"));
    }

    @Test
    void a_device_that_the_tracker_names_is_tracked_whatever_stands_around_it() {
        String info = """
                { "version": "0.12.1", "devices": [
                  { "minor": 0, "block_device" : "/dev/sda1", "cow_file": "/.datto" },
                  {"block_device":"/dev/mapper/vg-root","state":3},
                  {"block_device": 7}, {"block_device":"/dev/odd\\u0041"}, {"block_device":"/dev/torn
                """;

        assertThat(BlockDevices.tracked(info)).containsExactlyInAnyOrder("/dev/sda1", "/dev/mapper/vg-root");
        assertThat(BlockDevices.tracked("")).isEmpty();
        assertThat(BlockDevices.tracked("\"block_device\"")).isEmpty();
    }
}
