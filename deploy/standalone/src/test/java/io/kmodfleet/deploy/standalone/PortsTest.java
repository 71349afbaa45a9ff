package io.kmodfleet.deploy.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class PortsTest {

    @Test
    void a_stack_takes_five_neighbours() {
        Ports ports = new Ports(7070);

        assertThat(new int[] {
                    ports.coordinator(), ports.store(), ports.kafka(), ports.kafkaController(), ports.postgres()
                })
                .containsExactly(7070, 7071, 7072, 7073, 7074);
    }

    @Test
    void a_port_without_room_for_its_neighbours_or_for_root_only_is_refused() {
        for (int port : new int[] {-1, 0, 80, 1023, 65_531, 70_000}) {
            assertThatExceptionOfType(Trouble.class)
                    .isThrownBy(() -> new Ports(port))
                    .withMessage("Expected a port from 1024 to 65530, but got " + port + ".");
        }
    }
}
