package io.kmodfleet.agent.install;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.Activation.InitramfsTool;
import io.kmodfleet.agent.install.Activation.ListForInitramfs;
import io.kmodfleet.agent.install.Activation.Load;
import io.kmodfleet.agent.install.Activation.Run;
import io.kmodfleet.agent.install.Activation.Step;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.KernelState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Makes an installed module effective on order. */
public final class Activator {

    private static final Logger LOG = Logger.getLogger(Activator.class);

    /** An initramfs of a slow machine takes minutes. */
    private static final Duration LIMIT = Duration.ofMinutes(15);

    private final HostRoot root;
    private final HostPrograms programs;
    private final Loader loader;

    public Activator(HostRoot root, HostPrograms programs) {
        this.root = root;
        this.programs = programs;
        this.loader = new Loader(root, programs);
    }

    /**
     * Carries it out as far as it goes; what is still missing then, the next report shows.
     *
     * @param kernel what the host has of the kernel, looked at just now
     * @return why the kernel refused the module; empty where it did not
     * @throws InterruptedException where the agent ends: then it is done again
     */
    public Optional<String> activate(Decision.Keep order, KernelState kernel) throws InterruptedException {
        LOG.infof(
                "activating module=%s kernel=%s",
                order.subject().module(), order.subject().release());
        Activation plan = Activation.of(order, kernel.running(), initramfsTool());
        try {
            for (Step step : plan.steps()) {
                Optional<String> refused = run(step);
                if (refused.isPresent()) {
                    return refused;
                }
            }
        } catch (IOException e) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the agent ends");
            }
            LOG.warnf("activation failed module=%s error=%s", order.subject().module(), e);
        }
        return Optional.empty();
    }

    private Optional<InitramfsTool> initramfsTool() {
        return Arrays.stream(InitramfsTool.values())
                .filter(tool -> root.program(tool.program()).isPresent())
                .findFirst();
    }

    private Optional<String> run(Step step) throws IOException, InterruptedException {
        if (step instanceof ListForInitramfs list) {
            Path file = root.at(list.file());
            Files.createDirectories(file.getParent());
            Files.writeString(file, list.content());
        } else if (step instanceof Run run) {
            Outcome outcome = programs.run(LIMIT, run.program());
            if (!outcome.isSuccess()) {
                throw new IOException("Expected '" + String.join(" ", run.program())
                        + "' to succeed, but it exited with " + outcome.exitCode() + ": " + outcome.lastLine());
            }
        } else if (step instanceof Load load) {
            Optional<String> refused = loader.load(load.module());
            refused.ifPresent(why -> LOG.warnf("not loaded module=%s error=%s", load.module(), why));
            return refused;
        }
        return Optional.empty();
    }
}
