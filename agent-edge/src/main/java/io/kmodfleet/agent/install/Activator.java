package io.kmodfleet.agent.install;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.agent.install.Activation.Depmod;
import io.kmodfleet.agent.install.Activation.InitramfsTool;
import io.kmodfleet.agent.install.Activation.ListForInitramfs;
import io.kmodfleet.agent.install.Activation.Load;
import io.kmodfleet.agent.install.Activation.MakeInitramfs;
import io.kmodfleet.agent.install.Activation.Step;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation.LoadFailed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Makes an installed module effective on order. */
public final class Activator {

    private static final Logger LOG = Logger.getLogger(Activator.class);

    /** An initramfs of a slow machine takes minutes. */
    private static final Duration LIMIT = Duration.ofMinutes(15);

    private final HostId host;
    private final HostRoot root;
    private final HostPrograms programs;
    private final Loader loader;

    public Activator(HostId host, HostRoot root, HostPrograms programs) {
        this.host = host;
        this.root = root;
        this.programs = programs;
        this.loader = new Loader(root, programs);
    }

    /**
     * Carries it out as far as it goes; what is still missing then, the next report shows.
     *
     * @param kernel what the host has of the kernel, looked at just now
     * @param installed what the agent has installed, by body
     * @return that the kernel refused the module; empty where it did not, or where the agent does not know whose package it is
     * @throws InterruptedException where the agent ends: then it is done again
     */
    public Optional<LoadFailed> activate(Decision.Keep order, KernelState kernel, Map<Digest, InstallRecord> installed)
            throws InterruptedException {
        LOG.infof(
                "activating module=%s kernel=%s",
                order.subject().module(), order.subject().release());
        Optional<String> refused = run(Activation.of(order, kernel.running(), InitramfsTool.of(root)));
        Optional<InstallRecord> record = kernel.modules().stream()
                .filter(module -> module.name().equals(Activation.moduleOf(order)))
                .flatMap(module -> Optional.ofNullable(installed.get(module.body())).stream())
                .findFirst();
        return refused.flatMap(why ->
                record.map(known -> new LoadFailed(host, order.id(), known.target(), known.packageDigest(), why)));
    }

    private Optional<String> run(Activation plan) throws InterruptedException {
        for (Step step : plan.steps()) {
            try {
                Optional<String> refused = run(step);
                if (refused.isPresent()) {
                    return refused;
                }
            } catch (IOException e) {
                if (Thread.interrupted()) {
                    throw new InterruptedException("the agent ends");
                }
                LOG.warnf("activation failed step=%s error=%s", step, e);
                if (step instanceof Depmod) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    private Optional<String> run(Step step) throws IOException, InterruptedException {
        if (step instanceof ListForInitramfs list) {
            Path file = root.at(list.file());
            Files.createDirectories(file.getParent());
            Files.writeString(file, list.content());
        } else if (step instanceof Depmod depmod) {
            require(List.of("depmod", depmod.release()));
        } else if (step instanceof MakeInitramfs make) {
            require(make.program());
        } else if (step instanceof Load load) {
            Optional<String> refused = loader.load(load.module());
            refused.ifPresent(why -> LOG.warnf("not loaded module=%s error=%s", load.module(), why));
            return refused;
        }
        return Optional.empty();
    }

    private void require(List<String> program) throws IOException, InterruptedException {
        Outcome outcome = programs.run(LIMIT, program);
        if (!outcome.isSuccess()) {
            throw new IOException("Expected '" + String.join(" ", program) + "' to succeed, but it exited with "
                    + outcome.exitCode() + ": " + outcome.lastLine());
        }
    }
}
