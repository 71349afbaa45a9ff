package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.Copies;
import io.kmodfleet.agent.Needs;
import io.kmodfleet.agent.TestStore;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** On a root made of a real Debian's files. */
class KernelInputsIT {

    @TempDir(cleanup = CleanupMode.NEVER)
    Path work;

    private TestStore store;
    private HostRoot root;
    private HostReport report;
    private KernelState kernel;
    private HostInspector inspector;

    @BeforeEach
    void host() throws Exception {
        Path original = Needs.hostRoots().resolve("a");
        root = new HostRoot(Copies.of(original, work.resolve("host")));
        store = new TestStore();
        inspector = new HostInspector(root, false, Optional.empty(), Map::of);
        report = inspector.inspect();
        kernel = report.kernels().stream()
                .filter(state -> state.headersInstalledAt().isPresent()
                        && state.identity().image().isPresent())
                .findFirst()
                .orElseThrow();
    }

    @AfterEach
    void end() throws Exception {
        if (store != null) {
            store.close();
            Copies.delete(work);
        }
    }

    @Test
    void what_the_store_lacks_of_a_kernel_is_given_once() throws Exception {
        String place = "kernels/" + kernel.identity().image().orElseThrow().hex();

        inputs(store.address(), Clock.systemUTC()).offer(report.kernels());

        byte[] symvers =
                Files.readAllBytes(root.at("/lib/modules/" + kernel.identity().release() + "/build/Module.symvers"));
        assertThat(store.at(place + "/module-symvers")).isEqualTo(symvers);
        assertThat(new String(store.at(place + "/config"))).contains("CONFIG_CC_VERSION_TEXT=");
        assertThat(store.at(place + "/system-map"))
                .as("a map that hides its addresses is of no use")
                .isNull();
        int asked = store.asked();
        inputs(store.address(), Clock.systemUTC()).offer(report.kernels());
        assertThat(store.asked()).isEqualTo(asked);
    }

    @Test
    void after_some_days_the_store_is_asked_again_for_it_may_have_lost_it() throws Exception {
        inputs(store.address(), Clock.systemUTC()).offer(report.kernels());
        int asked = store.asked();

        inputs(store.address(), Clock.fixed(Instant.now().plus(Duration.ofDays(8)), ZoneOffset.UTC))
                .offer(report.kernels());

        assertThat(store.asked()).isGreaterThan(asked);
    }

    @Test
    void a_store_that_is_away_costs_nothing_and_is_told_at_the_next_look() throws Exception {
        inputs(URI.create("http://127.0.0.1:1"), Clock.systemUTC()).offer(report.kernels());

        inputs(store.address(), Clock.systemUTC()).offer(report.kernels());

        assertThat(store.at("kernels/" + kernel.identity().image().orElseThrow().hex() + "/config"))
                .isNotNull();
    }

    private KernelInputs inputs(URI address, Clock clock) throws Exception {
        Path state = Files.createDirectories(work.resolve("state"));
        return new KernelInputs(
                root, inspector.hostId(), new HostPrograms(root), new StoreClient(address), state, clock);
    }
}
