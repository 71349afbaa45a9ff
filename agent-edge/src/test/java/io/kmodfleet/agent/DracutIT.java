package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.Activator;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Real dracut in a real root: makes what the agent orders, and lists what is in it. */
class DracutIT {

    private static final String MODULE = "soundcore";
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private Path work;
    private HostRoot root;
    private String release;

    @BeforeEach
    void a_host_with_dracut() throws Exception {
        Path roots = Needs.hostRoots();
        Properties facts = new Properties();
        try (InputStream in = Files.newInputStream(roots.resolve("roots.env"))) {
            facts.load(in);
        }
        release = facts.getProperty("KERNEL");
        work = Files.createTempDirectory(roots, "run-dracut-");
        root = new HostRoot(Copies.of(roots.resolve("e"), work.resolve("host")));
        // A module that no disk and no network needs: dracut takes it only where it is told to.
        Path modules = root.at("/lib/modules/" + release);
        Path updates = Files.createDirectories(modules.resolve("updates"));
        Files.copy(modules.resolve("kernel/sound/soundcore.ko"), updates.resolve("soundcore.ko"));
        run("depmod", release);
        // What a machine's disks would need takes a minute, and nobody boots it here.
        Files.writeString(root.at("/etc/dracut.conf.d").resolve("00-lean.conf"), "dracutmodules=\"base\"\n");
        run("dracut", "--kver", release);
    }

    @AfterEach
    void end() throws Exception {
        if (work != null) {
            Copies.delete(work);
        }
    }

    @Test
    void a_module_that_is_missing_from_the_initramfs_comes_into_it() throws Exception {
        assertThat(inInitramfs()).contains(false);

        new Activator(Kernels.HOST, root, new HostPrograms(root))
                .activate(
                        new Decision.Keep(
                                new DecisionId(1, 0),
                                new Subject(Kernels.HOST, release, MODULE),
                                Reason.NOT_ACTIVATED,
                                List.of(Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_IN_INITRAMFS))),
                        kernel(),
                        Map.of());

        assertThat(inInitramfs()).contains(true);
    }

    private Optional<Boolean> inInitramfs() {
        return kernel().modules().stream()
                .filter(module -> module.name().equals(MODULE))
                .findFirst()
                .flatMap(InstalledModule::inInitramfs);
    }

    private KernelState kernel() {
        return new HostInspector(root, false, Optional.empty(), Map::of)
                .inspect()
                .kernel(release)
                .orElseThrow();
    }

    private void run(String... line) throws IOException, InterruptedException {
        HostPrograms.Outcome outcome = new HostPrograms(root).run(LIMIT, List.of(line));
        assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    }
}
