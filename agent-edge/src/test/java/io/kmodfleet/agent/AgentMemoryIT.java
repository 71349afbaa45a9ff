package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentMemoryIT {

    @TempDir
    private Path state;

    @Test
    void a_self_test_that_waits_for_the_next_boot_is_remembered_over_it_and_done_once() throws Exception {
        AgentMemory.open(state).awaitTest(order(1));
        AgentMemory.open(state).awaitTest(order(2));

        AgentMemory after = AgentMemory.open(state);

        assertThat(after.untested()).containsExactly(order(2));
        after.tested(order(2));
        assertThat(AgentMemory.open(state).untested()).isEmpty();
    }

    @Test
    void a_memory_of_before_self_tests_is_read() throws Exception {
        Files.writeString(
                state.resolve("memory.json"), "{\"place\":7,\"handled\":[],\"decisions\":[],\"installed\":[]}");

        AgentMemory memory = AgentMemory.open(state);

        assertThat(memory.untested()).isEmpty();
        assertThat(memory.place()).hasValue(7);
    }

    private static Decision.Reuse order(int number) {
        return new Decision.Reuse(
                new DecisionId(number, 0),
                new Subject(Kernels.HOST, Kernels.RELEASE, "toy"),
                Reason.PACKAGE_EXACT,
                Kernels.TARGET,
                "1.0",
                Kernels.digest("package " + number),
                Proof.SELF_TEST,
                List.of());
    }
}
