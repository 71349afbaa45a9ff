package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.bus.Heard;
import io.kmodfleet.agent.bus.TestBroker;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.Topics;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a real broker. */
class HeartIT {

    private static final HostId HOST = new HostId("0".repeat(32));

    @TempDir
    Path directory;

    @Test
    void an_agent_that_works_says_meanwhile_that_it_lives_and_ends_saying_so_when_it_ends() throws Exception {
        try (TestBroker broker = new TestBroker(Files.createDirectory(directory.resolve("broker"))).start()) {
            broker.createTopics(3, Topics.HEARTBEATS);
            long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            try (Heart.Beating heart = Heart.beating(HOST, settings(broker))) {
                while (Heard.heartbeats(broker).size() < 3) {
                    assertThat(System.nanoTime()).as("in time").isLessThan(end);
                    Thread.sleep(200);
                }
            }
            Thread.sleep(1_000);
            int then = Heard.heartbeats(broker).size();
            Thread.sleep(2_500);
            assertThat(Heard.heartbeats(broker)).hasSize(then).allSatisfy(heartbeat -> {
                assertThat(heartbeat.host()).isEqualTo(HOST);
                assertThat(heartbeat.agentVersion()).isEqualTo(Agent.VERSION);
            });
        }
    }

    private Agent.Settings settings(TestBroker broker) {
        return new Agent.Settings(
                new HostRoot(directory),
                directory.resolve("state"),
                Collections.emptySortedMap(),
                broker.address(),
                URI.create("http://127.0.0.1:9"),
                true,
                false,
                Path.of("/root/packages"),
                Duration.ofHours(1),
                Duration.ofSeconds(1));
    }
}
